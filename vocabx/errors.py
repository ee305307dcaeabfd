"""The errors that a user can cause. Programming errors are not among them: those stay tracebacks."""


class VocabxError(Exception):
    """An error that the user can fix. Its text is one line: what is wrong and how to fix it. Exit code 2."""

    exit_code = 2


class OptionError(VocabxError):
    """An option has the wrong type, is out of range or unknown, or contradicts another."""


class BaseModelError(VocabxError):
    """The base model cannot be found, reached or read."""


class BaseChangedError(BaseModelError):
    """A weight file of the base was overwritten while it was being read."""


class LanguageError(VocabxError):
    """The language tag is unknown, or its profile lacks what was requested."""


class CorpusError(VocabxError):
    """The text is missing, unreadable, or not in the language."""


class TokenizerError(VocabxError):
    """The tokenizer cannot be extended as requested."""


class InitializerError(VocabxError):
    """The initializer is unknown, or its parameters are invalid."""


class VectorsError(VocabxError):
    """Word vectors or a dictionary cannot be read or used."""


class OutputError(VocabxError):
    """The result cannot be written to the requested place."""


class TrainingError(VocabxError):
    """A run cannot start as requested, or cannot continue."""


class RecipeError(VocabxError):
    """A recipe cannot be read, or a step of it cannot be run; the message names the line and the step."""


class MissingPackageError(VocabxError):
    """A package of one of the extras is not installed."""
