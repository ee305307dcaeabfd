"""`python -m vocabx` is the command `vocabx`."""

from importlib import import_module

if __name__ == "__main__":
    # The command line lies beside the package, and is a part of it where it is installed.
    import_module("vocabx.cli").main()
