"""Checks that all readers of a tokenizer agree: SentencePiece, the tokenizers library, transformers.

A checkpoint holds one vocabulary in several files. llama.cpp reads the .model; transformers reads
tokenizer.json and its configuration. Where they disagree, a model is served with other tokens than those it
was trained on.
"""

import logging
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from vocabx._util.extras import Packages, installed, need
from vocabx._util.loading import load_auto
from vocabx._util.quiet import quiet_transformers
from vocabx.tokenizer.certificate import Claim, Tally, claim
from vocabx.tokenizer.fast import MODEL_NAME, FastTokenizer
from vocabx.tokenizer.sentencepiece_model import SPACE
from vocabx.tokenizer.settings import read_config

# What the claims about transformers need; without it they are not made.
PACKAGES: Packages = {"transformers": "evaluate"}
_IDS = ("bos", "eos", "unk", "pad", "sep", "cls", "mask")
_SIDES = ("padding_side", "truncation_side", "model_max_length", "chat_template", "model_input_names")
_SAMPLES = ("", "a", "Hello , world . It 's", " two  spaces\n", "x\ty")


class Reader(Protocol):
    """Another reader of the extended tokenizer's files, compared with the tokenizers library."""

    def add(self, batch: Sequence[str], old: Sequence[list[int]], new: Sequence[list[int]]) -> None:
        """Compare a batch of texts with the library's ids from the base (`old`) and the extension (`new`)."""

    def claims(self) -> list[Claim]:
        """The results of the comparison."""


def readers_of(
    base: FastTokenizer, extended: FastTokenizer, directories: tuple[Path, Path] | None
) -> list[Reader]:
    """The readers that apply: SentencePiece where a .model exists, transformers where it is installed."""
    readers: list[Reader] = []
    if MODEL_NAME in extended.companions():
        readers.append(_SentencePiece(base, extended))
    if directories is not None and installed("transformers"):
        readers.append(TransformersReader(directories[1], extended, directories[0]))
    return readers


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


class TransformersReader:
    """The directory as AutoTokenizer loads it.

    For some model types, transformers replaces the pre-tokenizer of tokenizer.json with that of a class. A
    text that it therefore tokenizes otherwise in the base's directory too is excused, as long as an extension
    that leaves it alone in tokenizer.json leaves it alone there, too.
    """

    def __init__(self, directory: Path, extended: FastTokenizer, base: Path | None = None) -> None:
        self.loaded, self.extended, self.directory = _load(directory), extended, base
        sentence = f"transformers {_version()} tokenizes every text into the same ids as tokenizer.json."
        self.tally = Tally("transformers", sentence)
        self.base_tally = Tally(
            "base-transformers",
            "transformers tokenizes every text with the base's files as the base's tokenizer.json does.",
            required=False,
        )

    def add(self, batch: Sequence[str], old: Sequence[list[int]], new: Sequence[list[int]]) -> None:
        """Compare a batch of texts with the ids in `new`; with those in `old` where a base is known."""
        theirs = _ids(self.loaded, batch)
        # In Unigram, rounding decides between segmentations of the same score.
        differ = [n for n, ids in enumerate(theirs) if ids != new[n] and not self.extended.tied(ids, new[n])]
        with_base = {}
        if differ and self.base is not None:
            with_base = dict(zip(differ, _ids(self.base, [batch[n] for n in differ]), strict=True))
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
            return _load(self.directory)
        except Exception:  # For a bare tokenizer.json, transformers has no class to choose.
            return None

    def claims(self) -> list[Claim]:
        """Whether transformers agrees with the tokenizers library, and where it does not with the base."""
        excused = [self.base_tally.claim()] if self.base_tally.failed else []
        return [self.tally.claim(), *excused]


def _ids(loaded: Any, texts: Sequence[str]) -> list[list[int]]:
    found: list[list[int]] = loaded(list(texts), add_special_tokens=False)["input_ids"]
    return found


def special_token_claims(directories: tuple[Path, Path] | None) -> list[Claim]:
    """Compare what transformers adds to the text: special ids, templates, sides, the chat template.

    No claim is made where transformers is not installed or cannot load the base, or where the base has no
    configuration and its special tokens therefore no roles.
    """
    if directories is None or not installed("transformers"):
        return []
    if not (directories[0] / "tokenizer_config.json").is_file():
        return []
    try:
        before = _behavior(_load(directories[0]))
    except Exception:  # For a bare tokenizer.json, transformers has no class to choose.
        return []
    after = _behavior(_load(directories[1]))
    # A side that only the class implies depends on the version: Mistral's is left in 4 and right in 5.
    implied = {"padding_side"} - read_config(directories[0]).keys()
    cases = (
        (f"{key}: {old!r} became {after.get(key)!r}", after.get(key) == old)
        for key, old in before.items()
        if key not in implied
    )
    sentence = (
        "In transformers, added and special tokens, templates, padding and truncation sides and the chat "
        "template are unchanged."
    )
    claims = [claim("special-tokens", sentence, cases)]
    if implied and before["padding_side"] != after["padding_side"]:
        about = f"it is {before['padding_side']} for the base and {after['padding_side']} for the result"
        sentence = "The padding side, which the base does not state, is what transformers takes for the base."
        claims.append(claim("padding-side", sentence, [(about, False)], required=False))
    return claims


def _behavior(tokenizer: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        f"{name}_token_id": getattr(tokenizer, f"{name}_token_id", None) for name in _IDS
    }
    special = set(tokenizer.all_special_tokens)
    for index, token in tokenizer.added_tokens_decoder.items():
        flags = (token.single_word, token.lstrip, token.rstrip, token.normalized, token.content in special)
        found[f"added token {token.content!r}"] = (index, flags)
    for name in _SIDES:
        found[name] = getattr(tokenizer, name, None)
    for sample in _SAMPLES:
        ids = tokenizer(sample)["input_ids"]
        plain = tokenizer(sample, add_special_tokens=False)["input_ids"]
        start = next((n for n in range(len(ids) + 1) if ids[n : n + len(plain)] == plain), 0)
        found[f"ids around {sample!r}"] = (ids[:start], ids[start + len(plain) :])
    found["ids around a pair"] = len(tokenizer("a", "b")["input_ids"])
    return found


def _load(directory: Path) -> Any:
    # It warns of texts longer than the model's context, which many are here.
    logging.getLogger("transformers.tokenization_utils_base").setLevel(logging.ERROR)
    with quiet_transformers("evaluate"):
        loaded = load_auto("AutoTokenizer", directory, "evaluate")
    model: Any = getattr(getattr(loaded, "backend_tokenizer", None), "model", None)
    if model is not None and getattr(model, "dropout", None):
        model.dropout = None
    return loaded


def _version() -> str:
    return str(need("transformers", "evaluate").__version__)
