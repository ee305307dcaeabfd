"""Checks that all readers of a tokenizer agree: SentencePiece, the tokenizers library, transformers.

A checkpoint holds one vocabulary in several files. llama.cpp reads the .model; transformers reads
tokenizer.json and its configuration. Where they disagree, a model is served with other tokens than those it
was trained on.
"""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import msgspec

from vocabx._util.extras import Packages, installed
from vocabx.tokenizer.certificate import Claim, Tally, claim
from vocabx.tokenizer.fast import MODEL_NAME, FastTokenizer
from vocabx.tokenizer.loaded import Loaded, ids_of, load, transformers_version
from vocabx.tokenizer.sentencepiece_model import SPACE
from vocabx.tokenizer.settings import read_config

# What the claims about transformers need; without it they are not made.
PACKAGES: Packages = {"transformers": "evaluate"}
_NOTHING_ADDED = {
    "type": "TemplateProcessing",
    "single": [{"Sequence": {"id": "A", "type_id": 0}}],
    "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
    "special_tokens": {},
}


class Reader(Protocol):
    """Another reader of the extended tokenizer's files, compared with the tokenizers library."""

    def add(self, batch: Sequence[str], old: Sequence[list[int]], new: Sequence[list[int]]) -> None:
        """Compare a batch of texts with the library's ids from the base (`old`) and the extension (`new`)."""

    def claims(self) -> list[Claim]:
        """The results of the comparison."""


def readers_of(
    base: FastTokenizer,
    extended: FastTokenizer,
    directories: tuple[Path, Path] | None,
    found: Loaded | None = None,
    samples: Sequence[str] = (),
) -> list[Reader]:
    """The readers that apply: SentencePiece where a .model exists, transformers where it is installed.

    Args:
        base, extended: the two tokenizers.
        directories: of the two; None without files.
        found: what transformers makes of the extension's, if that is known already.
        samples: the texts whose ids `found` holds.
    """
    readers: list[Reader] = []
    if MODEL_NAME in extended.companions():
        readers.append(_SentencePiece(base, extended))
    if directories is not None and installed("transformers"):
        if found is not None and is_the_same(extended, found, samples):
            readers.append(_SameTokenizer())
        else:
            readers.append(TransformersReader(directories[1], extended, directories[0]))
    return readers


def is_the_same(tokenizer: FastTokenizer, found: Loaded, samples: Sequence[str]) -> bool:
    """Whether transformers holds the tokenizer that tokenizer.json states, and hands texts over as they are.

    Args:
        tokenizer: as it is stated.
        found: what transformers makes of its directory.
        samples: the texts whose ids `found` holds.
    """
    if found.state is None or found.ids != tokenizer.encode(samples):
        return False
    return bool(_stated(found.state) == _stated(tokenizer.rust.to_str()))


def _stated(state: str) -> Any:
    """A tokenizer as the library writes it, parsed, without a template that adds nothing."""
    parsed = msgspec.json.decode(state)
    if parsed["post_processor"] == _NOTHING_ADDED:
        # transformers gives one to a tokenizer that has none.
        parsed["post_processor"] = None
    return parsed


class _SentencePiece:
    """The .model file. SentencePiece reads a literal special token as plain text: such texts are skipped."""

    def __init__(self, base: FastTokenizer, extended: FastTokenizer) -> None:
        from sentencepiece import SentencePieceProcessor

        self.base, self.extended = base, extended
        self.literals = [token["content"] for token in extended.spec["added_tokens"]]
        self.old, self.new = (
            SentencePieceProcessor(model_proto=tokenizer.companions()[MODEL_NAME])
            for tokenizer in (base, extended)
        )
        self.tally = Tally(
            "sentencepiece", "SentencePiece tokenizes every text into the same ids as tokenizer.json."
        )
        self.base_tally = Tally(
            "base-sentencepiece",
            "The base's own SentencePiece model and tokenizer.json agree on every text.",
            required=False,
        )

        self.ties = Tally(
            "sentencepiece-ties",
            "No text has two equally good segmentations, between which rounding decides.",
            False,
        )

    def add(self, batch: Sequence[str], old: Sequence[list[int]], new: Sequence[list[int]]) -> None:
        theirs = self.new.encode(list(batch))
        for text, before, after, ids in zip(batch, old, new, theirs, strict=True):
            if any(literal in text for literal in self.literals):
                continue
            # Where the base's own files disagree, in tokenization or normalization, so must its extension.
            excused = ids != after and (
                self.old.encode(text) != before
                or _plain(self.old.normalize(text)) != _plain(self.base.normal(text))
            )
            self.base_tally.add(text, not excused)
            if not excused:
                tied = ids != after and self.extended.tied(ids, after)
                self.ties.add(text, not tied)
                self.tally.add(text, tied or ids == after)

    def claims(self) -> list[Claim]:
        ties = [self.ties.claim()] if self.ties.failed else []
        return [self.tally.claim(), *ties, self.base_tally.claim()]


def _plain(normal: str) -> str:
    """A normalized text with space markers and runs of spaces reduced to single spaces."""
    return " ".join(normal.replace(SPACE, " ").split())


class _SameTokenizer:
    """transformers, where it holds the very tokenizer that tokenizer.json states.

    One function gives one text the same ids: there is no need to tokenize it twice.
    """

    def __init__(self) -> None:
        self.tally = _tally()

    def add(self, batch: Sequence[str], old: Sequence[list[int]], new: Sequence[list[int]]) -> None:
        for text in batch:
            self.tally.add(text, True)

    def claims(self) -> list[Claim]:
        return [self.tally.claim()]


def _tally() -> Tally:
    version = transformers_version()
    return Tally(
        "transformers", f"transformers {version} tokenizes every text into the same ids as tokenizer.json."
    )


class TransformersReader:
    """The directory as AutoTokenizer loads it.

    For some model types, transformers replaces the pre-tokenizer of tokenizer.json with that of a class. A
    text that it therefore tokenizes otherwise in the base's directory too is excused, as long as an extension
    that leaves it alone in tokenizer.json leaves it alone there, too.
    """

    def __init__(self, directory: Path, extended: FastTokenizer, base: Path | None = None) -> None:
        self.loaded, self.extended, self.directory = load(directory), extended, base
        self.tally = _tally()
        self.base_tally = Tally(
            "base-transformers",
            "transformers tokenizes every text with the base's files as the base's tokenizer.json does.",
            required=False,
        )

    def add(self, batch: Sequence[str], old: Sequence[list[int]], new: Sequence[list[int]]) -> None:
        """Compare a batch of texts with the ids in `new`; with those in `old` where a base is known."""
        theirs = ids_of(self.loaded, batch)
        # In Unigram, rounding decides between segmentations of the same score.
        differ = [n for n, ids in enumerate(theirs) if ids != new[n] and not self.extended.tied(ids, new[n])]
        with_base = {}
        if differ and self.base is not None:
            with_base = dict(zip(differ, ids_of(self.base, [batch[n] for n in differ]), strict=True))
        for n, text in enumerate(batch):
            # Where the base's own files disagree, so must its extension.
            excused = (
                n in with_base and with_base[n] != old[n] and (old[n] != new[n] or with_base[n] == theirs[n])
            )
            self.base_tally.add(text, not excused)
            if not excused:
                self.tally.add(text, n not in differ)

    @cached_property
    def base(self) -> Any:
        """The base as AutoTokenizer loads it; None where it is unknown or cannot be loaded."""
        if self.directory is None:
            return None
        try:
            return load(self.directory)
        except Exception:  # For a bare tokenizer.json, transformers has no class to choose.
            return None

    def claims(self) -> list[Claim]:
        """Whether transformers agrees with the tokenizers library, and where it does not with the base."""
        excused = [self.base_tally.claim()] if self.base_tally.failed else []
        return [self.tally.claim(), *excused]


def special_token_claims(directory: Path, before: Loaded, after: Loaded) -> list[Claim]:
    """Compare what transformers adds to the text: special ids, templates, sides, the chat template.

    No claim is made where the base has no configuration and its special tokens therefore no roles.

    Args:
        directory: of the base.
        before, after: the base and the extension as transformers loads them.
    """
    if not (directory / "tokenizer_config.json").is_file():
        return []
    # A side that only the class implies depends on the version: Mistral's is left in 4 and right in 5.
    implied = {"padding_side"} - read_config(directory).keys()
    old, new = before.behavior, after.behavior
    cases = (
        (f"{key}: {value!r} became {new.get(key)!r}", new.get(key) == value)
        for key, value in old.items()
        if key not in implied
    )
    sentence = (
        "In transformers, added and special tokens, templates, padding and truncation sides and the chat "
        "template are unchanged."
    )
    claims = [claim("special-tokens", sentence, cases)]
    if implied and old["padding_side"] != new["padding_side"]:
        about = f"it is {old['padding_side']} for the base and {new['padding_side']} for the result"
        sentence = "The padding side, which the base does not state, is what transformers takes for the base."
        claims.append(claim("padding-side", sentence, [(about, False)], required=False))
    return claims
