"""Words that were added as whole strings (`add_tokens`): they split other words and lose spaces.

The repair makes them ordinary tokens of the model with the same ids, as far as they can be built from
existing tokens. The others stay as they are.
"""

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from typing import Any

from vocabx.commands.doctor.checkpoint_files import CheckpointFiles
from vocabx.commands.doctor.finding import Finding, counted, first
from vocabx.commands.doctor.new_tokens import is_ordinary, plain_added
from vocabx.commands.doctor.ordinary import made_ordinary, with_pieces, without
from vocabx.commands.doctor.view import with_places
from vocabx.tokenizer.byte_alphabet import from_alphabet
from vocabx.tokenizer.families.byte_level import ByteLevelTokenizer
from vocabx.tokenizer.fast import FastTokenizer

_AS_ORDINARY = "They become ordinary tokens of the model with the same ids."
_AS_THEY_ARE = (
    "They stay as they are: as ordinary tokens they would need intermediate tokens that do not exist, and "
    "those would need rows."
)


def check_added_tokens(files: CheckpointFiles) -> list[Finding]:
    """Find plain text among the added tokens, and report its effect on other text."""
    findings: list[Finding] = []
    tokenizer, plain = files.tokenizer, _plain(files)
    if tokenizer is None or not plain:
        return findings
    _, repaired = _repair(files)
    good = [token["content"] for token in plain if token["id"] in repaired]
    bad = [token["content"] for token in plain if token["id"] not in repaired]
    harm = _harm(tokenizer, plain, files)
    matched = "matched as whole strings before the text is tokenized"
    if good:
        sentence = f"Plain text among the added tokens, {matched}: {counted(len(good), 'word')}{harm}."
        found = Finding(
            "added-tokens", "wrong", sentence, len(good), first(good), _AS_ORDINARY, repairable=True
        )
        findings.append(found)
    if bad:
        # The harm is described only once, in the first of the two findings.
        described = "" if good else f", {matched}{harm}"
        words = counted(len(bad), "word")
        sentence = f"Plain text among the added tokens that cannot be repaired: {words}{described}."
        findings.append(Finding("added-tokens-left", "wrong", sentence, len(bad), first(bad), _AS_THEY_ARE))
    return findings


def repair_added_tokens(files: CheckpointFiles) -> CheckpointFiles:
    """The files with ordinary tokens in place of added words, as far as they can be built."""
    tokenizer, repaired = _repair(files)
    if tokenizer is None or not repaired:
        return files
    model = files.model
    if model is not None:
        model = with_pieces(model, getattr(tokenizer, "added", ()))
    return files.rewritten(tokenizer, model)


def _plain(files: CheckpointFiles) -> list[dict[str, Any]]:
    """The added tokens that are words and that are not added tokens of the base, too."""
    if files.tokenizer is None:
        return []
    base = files.base.spec["added_tokens"] if files.base is not None else ()
    known = {token["content"] for token in base}
    return [token for token in plain_added(files.tokenizer) if token["content"] not in known]


@lru_cache(maxsize=1)
def _repair(files: CheckpointFiles) -> tuple[FastTokenizer | None, frozenset[int]]:
    """The tokenizer with ordinary tokens in place of added words, and the ids of these tokens."""
    tokenizer, plain = files.tokenizer, _plain(files)
    if tokenizer is None or not plain:
        return tokenizer, frozenset()
    proto = files.proto if files.led_by_model else None
    known = {token["id"] for token in plain if is_ordinary(tokenizer, token, proto)}
    others = [token for token in plain if token["id"] not in known]
    bare = _unadded(without(tokenizer, [token["id"] for token in others]), known)
    wanted = {_meant(tokenizer, token["content"]): token["id"] for token in others}
    made, repaired = made_ordinary(bare, wanted)
    split = _split_by_others(others, repaired)
    if split:
        made, repaired = made_ordinary(bare, {word: n for word, n in wanted.items() if n in repaired - split})
    gone = repaired | known
    added = [token for token in tokenizer.spec["added_tokens"] if token["id"] not in gone]
    return replace(made, spec=with_places({**made.spec, "added_tokens": added})), gone


def _split_by_others(words: list[dict[str, Any]], repaired: frozenset[int]) -> set[int]:
    """Those of `repaired` that contain a word which stays an added token, and so would be split by it."""
    staying = {word["content"] for word in words if word["id"] not in repaired}
    split: set[int] = set()
    # Shorter words first: a word that contains a split word is split, too.
    for word in sorted(words, key=lambda word: len(word["content"])):
        content = word["content"]
        ends = range(len(content) + 1)
        parts = (content[start:end] for end in ends for start in range(end) if end - start < len(content))
        if word["id"] in repaired and any(part in staying for part in parts):
            split.add(word["id"])
            staying.add(content)
    return split


def _meant(tokenizer: FastTokenizer, content: str) -> bytes:
    """The bytes that an added token stands for; content in the byte-level alphabet is decoded."""
    if not isinstance(tokenizer, ByteLevelTokenizer):
        return tokenizer.piece_to_bytes(content) or b""
    return ("Ġ" in content and from_alphabet(content)) or content.encode()


def _unadded(tokenizer: FastTokenizer, ids: set[int]) -> FastTokenizer:
    added = [token for token in tokenizer.spec["added_tokens"] if token["id"] not in ids]
    return replace(tokenizer, spec={**tokenizer.spec, "added_tokens": added})


def _harm(tokenizer: FastTokenizer, plain: list[dict[str, Any]], files: CheckpointFiles) -> str:
    """The effect of the added tokens on other text, in words."""
    bare = _unadded(tokenizer, {token["id"] for token in plain})
    words = dict.fromkeys(token["content"] for token in plain)
    ids = [index for index in sorted(bare.token_bytes) if index not in files.new.known]
    texts = [text for index in ids if (text := bare.text_of(index)) and text.strip() not in words]
    tokenized = zip(texts, tokenizer.encode(texts), bare.encode(texts), strict=True)
    split = [text.strip() for text, now, before in tokenized if now != before]
    spaces = len(_kept(bare, words) - _kept(tokenizer, words))
    harm = ""
    if split:
        harm += f"; they split {counted(len(split), 'token')} of the base, such as {split[0]!r}"
    if spaces:
        harm += f"; around {spaces:,} of them a space is lost or gained"
    return harm


def _kept(tokenizer: FastTokenizer, words: Iterable[str]) -> set[str]:
    """The words whose texts survive encoding and decoding."""
    texts = [(word, text) for word in words for text in (word, f"x {word} y", f"x{word}y")]
    ids = tokenizer.encode([text for _, text in texts])
    decoded = tokenizer.rust.decode_batch(ids, skip_special_tokens=False)
    changed = {word for (word, text), back in zip(texts, decoded, strict=True) if back != text}
    return {word for word, _ in texts} - changed


def check_added_ids(files: CheckpointFiles) -> list[Finding]:
    """Find added tokens that are read with another id than tokenizer.json states."""
    moved = _moved(files)
    if not moved or files.stated is None:
        return []
    ids = files.stated.rust.token_to_id
    examples = first(f"{token['content']}: {token['id']}, read as {ids(token['content'])}" for token in moved)
    sentence = f"Read with another id than tokenizer.json states: {counted(len(moved), 'added token')}."
    remedy = "They are added to the model's vocabulary, where ids cannot move."
    # A piece with the same text keeps its own id, whatever the list of added tokens says.
    repairable = all(token["content"] not in files.stated.pieces() for token in moved)
    return [Finding("added-ids", "fatal", sentence, len(moved), examples, remedy, repairable)]


def repair_added_ids(files: CheckpointFiles) -> CheckpointFiles:
    """The files with all added tokens in the model's vocabulary, if any was read with another id."""
    if files.tokenizer is None or not _moved(files):
        return files
    spec = with_places(files.tokenizer.spec)
    return files.rewritten(replace(files.tokenizer, spec=spec), files.model)


def _moved(files: CheckpointFiles) -> list[dict[str, Any]]:
    stated = files.stated
    if stated is None:
        return []
    added = stated.spec["added_tokens"]
    return [token for token in added if stated.rust.token_to_id(token["content"]) != token["id"]]
