"""`python -m vocabx.training` is `vocabx train`, in the form that `accelerate launch` and `torchrun` want."""

import sys
from importlib import import_module

if __name__ == "__main__":
    # The command line lies beside the package, and is a part of it where it is installed.
    main = import_module("vocabx.cli").main
    sys.argv = ["vocabx", "train", *sys.argv[1:]]
    main()
