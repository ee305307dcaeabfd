"""The vocabulary of a Unigram tokenizer, such as XLM-R's, for llama.cpp, which calls it "t5".

llama.cpp normalizes a text by the same compiled map of characters, puts a space before it, drops spaces at
the ends and further ones in a row, and finds the segmentation with the highest sum of scores: what
SentencePiece does. A tokenizer.json may ask for more or less, which is refused.
Source: llama.cpp's src/llama-vocab.cpp (inferred; tests compare with llama.cpp itself).
"""

import base64
from typing import Any

from vocabx.errors import TokenizerError
from vocabx.gguf.components import parts_of
from vocabx.tokenizer.families.unigram import UnigramTokenizer
from vocabx.tokenizer.sentencepiece_model import SPACE, Kind, is_unused

_SPACES = {"String": "  "}, {"Regex": " {2,}"}, {"Regex": f"{SPACE}{{2,}}"}


def unigram_settings(spec: dict[str, Any]) -> dict[str, Any]:
    """The keys and values of the file that say how text is normalized.

    Args:
        spec: the parsed tokenizer.json.

    Raises:
        TokenizerError: llama.cpp would normalize or split text otherwise.
    """
    charsmap = b""
    splits, spaces = False, False
    for part in (*parts_of(spec.get("normalizer")), *parts_of(spec.get("pre_tokenizer"))):
        match part:
            case {"type": "Precompiled", "precompiled_charsmap": str(text)}:
                charsmap = base64.b64decode(text)
            case {"type": "Replace", "pattern": pattern, "content": " " | "▁"} if pattern in _SPACES:
                pass
            case {"type": "WhitespaceSplit"}:
                splits = True
            case {"type": "Metaspace", "replacement": "▁", **rest} if _always(rest):
                spaces = True
            case _:
                raise TokenizerError(
                    f"llama.cpp does not support the tokenizer's {part.get('type')} beside Unigram pieces "
                    "and would tokenize text differently: serve it with transformers or "
                    "text-embeddings-inference"
                )
    if not (splits and spaces) or spec["model"].get("byte_fallback"):
        raise TokenizerError(
            "llama.cpp reads Unigram pieces as XLM-R does: words split at white space, a space before each, "
            "and no byte fallback. This tokenizer does not: serve it with transformers or "
            "text-embeddings-inference"
        )
    settings: dict[str, Any] = {"tokenizer.ggml.remove_extra_whitespaces": True}
    return {**settings, "tokenizer.ggml.precompiled_charsmap": charsmap} if charsmap else settings


def unigram_pieces(
    tokenizer: UnigramTokenizer,
) -> tuple[dict[int, str], dict[int, Kind], dict[int, float]]:
    """Piece, type and score by id, without unused ones."""
    entries: list[tuple[str, float]] = tokenizer.spec["model"]["vocab"]
    used = {index: (piece, score) for index, (piece, score) in enumerate(entries) if not is_unused(piece)}
    kinds = {} if tokenizer.unknown_id is None else {tokenizer.unknown_id: Kind.UNKNOWN}
    return (
        {index: piece for index, (piece, _) in used.items()},
        kinds,
        {index: float(score) for index, (_, score) in used.items()},
    )


def _always(metaspace: dict[str, Any]) -> bool:
    """Whether a Metaspace puts a space before every word."""
    scheme = "always" if metaspace.get("add_prefix_space", True) else "never"
    return metaspace.get("prepend_scheme", scheme) == "always" and bool(metaspace.get("split", True))
