"""The one family of errors that a user can cause. Does not hold programming errors: those stay tracebacks."""


class VocabxError(Exception):
    """Something the user can mend. Its text is one line: what is wrong and how to mend it. Exit code 2."""

    exit_code = 2


class OptionError(VocabxError):
    """An option has the wrong type, is out of its range, is unknown, or contradicts another."""


class BaseModelError(VocabxError):
    """The base model cannot be found, reached or read."""


class LanguageError(VocabxError):
    """The language tag is unknown, or its profile lacks what was asked."""


class CorpusError(VocabxError):
    """The text is missing, unreadable, or not in the language."""


class TokenizerError(VocabxError):
    """The tokenizer cannot be extended as asked."""


class InitializerError(VocabxError):
    """The initializer is unknown or its parameters do not fit."""


class VectorsError(VocabxError):
    """Word vectors or a dictionary cannot be read or used."""


class OutputError(VocabxError):
    """The result cannot be written where it was asked."""


class TrainingError(VocabxError):
    """A run cannot begin as asked, or cannot go on."""


class MissingPackageError(VocabxError):
    """A package of one of the extras is not installed."""
