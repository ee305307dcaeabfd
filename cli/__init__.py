"""The command line: one file a command, each thin: parse, call the API, print. Installed as vocabx.cli."""

from .app import main

__all__ = ["main"]
