"""A byte-level BPE tokenizer as tiktoken has it: a pattern, and tokens whose ids are their ranks.

tiktoken joins the two neighbours whose token has the lowest id, whatever they are; tokenizer.json lists the
pairs that may be joined, in an order of their own. The two give the same tokens if (inferred)

1. each token is what its own text becomes, and
2. a token that is joined before another has the lower id.

For as long as no join crosses the ends of a span of text, the span goes through the same steps as it would
alone. So two neighbours whose texts make up a token are, by 1, the pair that the token's own rule joins; and
by 2 both programs take the same pair first. A token that its own text does not become is left out, since
tiktoken would look it up as a whole.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from vocabx._util.shorten import shortened
from vocabx.errors import TokenizerError
from vocabx.tokenizer.families.byte_level import ByteLevelTokenizer
from vocabx.tokenizer.families.word_marks import MarkedByteLevelTokenizer
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.tokenizer.sentencepiece_model import is_unused
from vocabx.tokenizer.splits import DIGITS, GPT2, splits_of

_INSTEAD = "serve it where tokenizer.json is read"
# GPT-2's pattern within pieces that digits end: what looks ahead sees the end of a piece in a digit.
_GPT2_BESIDE_DIGITS = GPT2.replace(r"(?!\S)", r"(?![^\s\p{N}])").replace(r" ?\p{N}+|", "")


@dataclass(frozen=True)
class TiktokenEncoding:
    """A tokenizer in the form of `tiktoken.Encoding`.

    Attributes:
        pattern: what text is split by.
        ranks: id of each token, by its bytes.
        special: id of each special token and other added token, by its text.
        left_out: ids of tokens that no text becomes; tiktoken cannot decode them.
        lacking: ids at and above this one stand for bytes that the tokenizer has no token for and drops, and
            that tiktoken demands; None where it has all 256.
        differences: sentences about how tiktoken differs from the tokenizer.
    """

    pattern: str
    ranks: dict[bytes, int]
    special: dict[str, int]
    left_out: tuple[int, ...]
    lacking: int | None
    differences: tuple[str, ...]


def to_tiktoken(tokenizer: FastTokenizer, rows: int = 0) -> TiktokenEncoding:
    """Convert a tokenizer, if tiktoken gives the same tokens by the proof above.

    Args:
        tokenizer: the tokenizer.
        rows: number of rows of the embedding matrix, behind which bytes without a token get their ids.

    Raises:
        TokenizerError: tiktoken cannot express it; the message says why.
    """
    if not isinstance(tokenizer, ByteLevelTokenizer) or isinstance(tokenizer, MarkedByteLevelTokenizer):
        raise TokenizerError(
            f"tiktoken knows byte-level BPE, and this is a {tokenizer.family} tokenizer: {_INSTEAD}"
        )
    pattern = _pattern(tokenizer.spec.get("pre_tokenizer"))
    differences = list(_differences(tokenizer.spec))
    special = _special(tokenizer.spec)
    left_out = _unreachable(tokenizer)
    _check_order(tokenizer, frozenset(left_out))
    ranks = {
        data: index
        for index, data in sorted(tokenizer.token_bytes.items())
        if index not in left_out and not is_unused(tokenizer.id_to_piece[index])
    }
    lacking = [bytes([byte]) for byte in range(256) if bytes([byte]) not in ranks]
    first = max(rows, tokenizer.size)
    if lacking:
        ranks |= {byte: first + number for number, byte in enumerate(lacking)}
        differences.append(
            f"The tokenizer drops {len(lacking)} bytes that it has no token for, such as "
            f"0x{lacking[0][0]:02X}; tiktoken gives them ids from {first:,} on: leave those out."
        )
    if left_out:
        differences.append(f"No text becomes {len(left_out):,} of the tokens: the file leaves them out.")
    return TiktokenEncoding(
        pattern, ranks, special, tuple(left_out), first if lacking else None, tuple(differences)
    )


def _pattern(component: dict[str, Any] | None) -> str:
    """One pattern that splits text as a pre-tokenizer does.

    Raises:
        TokenizerError: there is none.
    """
    match splits_of(component):
        case ():
            return r"[\s\S]+"
        case (str(pattern),) if pattern != DIGITS:
            return pattern
        case (str(first), str(pattern)) if first == DIGITS and pattern.endswith(GPT2):
            # `--pretokenizer adapt` puts words of letters and marks before it, which hold no digit.
            return rf"{pattern.removesuffix(GPT2)}\p{{N}}|{_GPT2_BESIDE_DIGITS}"
    raise TokenizerError(
        "tiktoken splits text by one pattern, and none is known that does what the tokenizer's pre-tokenizer "
        f"does: {_INSTEAD}"
    )


def _differences(spec: Mapping[str, Any]) -> list[str]:
    """What tiktoken does otherwise around the merges, in sentences.

    Raises:
        TokenizerError: the tokenizer changes text before splitting it, other than by composing it.
    """
    found = []
    normalizer = spec.get("normalizer")
    if normalizer is not None:
        if normalizer.get("type") != "NFC":
            raise TokenizerError(
                f"tiktoken has no normalizer, and the tokenizer has one ({normalizer.get('type')}): "
                f"{_INSTEAD}"
            )
        found.append("tiktoken does not compose characters (NFC): pass it composed text.")
    if any(token.get("lstrip") or token.get("rstrip") for token in spec["added_tokens"]):
        found.append("tiktoken keeps the spaces around special tokens, which the tokenizer removes.")
    return found


def _special(spec: Mapping[str, Any]) -> dict[str, int]:
    """The added tokens, whose texts tiktoken looks for in no certain order.

    Raises:
        TokenizerError: one is the beginning of another, or is only found as a word of its own.
    """
    special = {token["content"]: token["id"] for token in spec["added_tokens"]}
    texts = sorted(special)
    for shorter, longer in pairwise(texts):
        if longer.startswith(shorter):
            raise TokenizerError(
                f"the added token {shortened(repr(longer), 40)} begins with another, "
                f"{shortened(repr(shorter), 40)}, and tiktoken would find either: {_INSTEAD}"
            )
    if words := [token["content"] for token in spec["added_tokens"] if token.get("single_word")]:
        raise TokenizerError(
            f"the tokenizer finds {shortened(repr(words[0]), 40)} only as a word of its own, and tiktoken "
            f"anywhere: {_INSTEAD}"
        )
    return special


def _unreachable(tokenizer: ByteLevelTokenizer) -> list[int]:
    """The ids of tokens that their own text does not become.

    Raises:
        TokenizerError: words are looked up whole, so that one can occur, and tiktoken would join it anywhere.
    """
    found = [
        index
        for index, data in sorted(tokenizer.token_bytes.items())
        if len(data) > 1 and not tokenizer.reaches(index)
    ]
    if not tokenizer.spec["model"].get("ignore_merges"):
        return found
    joined = [index for index in found if len(tokenizer.tokenize(tokenizer.token_bytes[index])) == 2]
    if joined:
        raise TokenizerError(
            f"no merge makes the token {shortened(tokenizer.describe(joined[0]), 40)!r} of its two "
            f"parts, and tiktoken would: {_INSTEAD}"
        )
    # As whole words they are found by both.
    return []


def _check_order(tokenizer: ByteLevelTokenizer, left_out: frozenset[int]) -> None:
    """Refuse merges that do not make tokens in the order of their ids.

    Raises:
        TokenizerError: some do not.
    """
    pairs = [tuple(rule.split(" ") if isinstance(rule, str) else rule) for rule in tokenizer.rules()]
    by_rank = [(tokenizer.vocabulary["".join(pair)], pair) for pair in pairs]
    live = [(index, pair) for index, pair in by_rank if index not in left_out]
    if _earlier_than_before(live) is None:
        return
    # A token with several rules is made by one of them, and the others are dead.
    ranks = {pair: rank for rank, pair in enumerate(pairs)}
    used = {index: _last_pair(tokenizer.id_to_piece[index], ranks) for index, _ in live}
    wrong = _earlier_than_before([(index, pair) for index, pair in live if used[index] == pair])
    if wrong is not None:
        token = shortened(tokenizer.describe(wrong), 40)
        raise TokenizerError(
            f"the merges are not in the order of the ids (that of {token!r}, id {wrong:,}, comes after that "
            f"of a higher id), which tiktoken takes for ranks: {_INSTEAD}"
        )


def _earlier_than_before(live: list[tuple[int, tuple[str, ...]]]) -> int | None:
    """The first id that is lower than the one before it."""
    return next((b for (a, _), (b, _) in pairwise(live) if b < a), None)


def _last_pair(piece: str, ranks: Mapping[tuple[str, ...], int]) -> tuple[str, ...]:
    """The two parts that a piece is last made of."""
    parts = list(piece)
    while len(parts) > 2:
        pairs = list(pairwise(parts))
        place = min(range(len(pairs)), key=lambda at: ranks.get(pairs[at], len(ranks)))
        if pairs[place] not in ranks:
            break
        parts[place : place + 2] = ["".join(pairs[place])]
    return tuple(parts)
