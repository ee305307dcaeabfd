"""`python -m vocabx.training` is `vocabx train` in the form that `accelerate launch` and `torchrun` need."""

import sys
from importlib import import_module

if __name__ == "__main__":
    # In the repository, the command line is next to the package; installed, it is part of it.
    main = import_module("vocabx.cli").main
    sys.argv = ["vocabx", "train", *sys.argv[1:]]
    main()
