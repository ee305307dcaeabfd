"""`python -m vocabx.training` is `vocabx train`: the form that `accelerate launch -m` and `torchrun -m` want."""

import sys

from vocabx.cli.app import main

if __name__ == "__main__":
    sys.argv = ["vocabx", "train", *sys.argv[1:]]
    main()
