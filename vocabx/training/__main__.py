"""`python -m vocabx.training` is `vocabx train` in the form that `accelerate launch` and `torchrun` need."""

import sys
from importlib import import_module

if __name__ == "__main__":
    # In the repository, the command line is next to the package; installed, it is part of it.
    main = import_module("vocabx.cli").main
    sys.argv = ["vocabx", "train", *sys.argv[1:]]
    try:
        main()
    finally:
        # Left to the end of the interpreter, the threads of a process group may abort it.
        distributed = sys.modules.get("torch.distributed")
        if distributed is not None and distributed.is_available() and distributed.is_initialized():
            distributed.destroy_process_group()
