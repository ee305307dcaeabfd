"""The vocabx.json of a small checkpoint, whole in its fields, for tests that do not run extend."""

from typing import Any

from vocabx.checkpoint.manifest import (
    Manifest,
    RecordedBase,
    RecordedClaim,
    RecordedInitializer,
    RecordedRun,
    Sizes,
    TokenRange,
)


def small_manifest(**changes: Any) -> Manifest:
    """A manifest of two new tokens, which records no files."""
    fields = {
        "version": "0.1.0",
        "base": RecordedBase("tiny", "local", 5, 5, {"embed": "00"}),
        "sizes": Sizes(7, 2, 8, 1),
        "tied": True,
        "ranges": (TokenRange(5, 2, "learned"), TokenRange(7, 1, "pad")),
        "origin": {"donor": "", "taken": 0},
        "language": "zh-Hant",
        "initializer": RecordedInitializer("mean", {}, 0, "dense"),
        "certificate": (RecordedClaim("base-text", "全文不變。", 3, 0, True),),
        "tables": {},
        "files": {},
        "run": RecordedRun("vocabx extend", {}, {}),
        "shards": {},
        "training": None,
    }
    return Manifest(**{**fields, **changes})
