"""The command line, one thin file per command: parse, call the API, print. Installed as vocabx.cli."""

from .app import main

__all__ = ["main"]
