"""The version of vocabx, as pyproject.toml states it."""

from importlib.metadata import version

VERSION = version("vocabx")
