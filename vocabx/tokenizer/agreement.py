"""One tokenizer, whoever reads its files: SentencePiece, the tokenizers library, transformers.

A checkpoint holds one vocabulary in several files. llama.cpp reads the .model, transformers tokenizer.json
and its configuration; where they disagree, a model is served with other tokens than it was trained on.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from vocabx.extras import installed, need
from vocabx.quiet import quiet_transformers
from vocabx.tokenizer.certificate import Claim, claim
from vocabx.tokenizer.fast import MODEL_NAME, FastTokenizer

_BATCH = 1024
_IDS = ("bos", "eos", "unk", "pad", "sep", "cls", "mask")
_SAMPLES = ("", "a", "Hello , world . It 's", " two  spaces\n", "x\ty")


def agreement_claims(
    base: FastTokenizer,
    extended: FastTokenizer,
    texts: Sequence[str],
    directories: tuple[Path, Path] | None,
    advance: Callable[[float], None] = lambda done: None,
) -> list[Claim]:
    """Compare the ids of `texts` between the readers that there are files for.

    Args:
        base, extended: the two tokenizers.
        texts: what to cut; those that hold a special token literally are left to transformers, since
            SentencePiece reads them as text.
        directories: of the base and of the extension.
        advance: called with the number of texts compared.
    """
    claims = []
    if MODEL_NAME in extended.companions():
        claims += _sentencepiece_claims(base, extended, texts, advance)
    if directories is not None and installed("transformers"):
        loaded = _load(directories[1])
        failed = set(_differing(_transformers(loaded), extended, texts, advance))
        sentence = f"transformers {_version()} cuts every text into the same ids as tokenizer.json."
        claims.append(claim("transformers", sentence, ((text, text not in failed) for text in texts)))
    return claims


def _sentencepiece_claims(
    base: FastTokenizer, extended: FastTokenizer, texts: Sequence[str], advance: Callable[[float], None]
) -> list[Claim]:
    literals = [token["content"] for token in extended.spec["added_tokens"]]
    plain = [text for text in texts if not any(literal in text for literal in literals)]
    processor, old = _processor(extended), _processor(base)
    differing = list(_differing(processor.encode, extended, plain, advance))
    # Where the base's own two files disagree, on the cut or before it, its extension cannot but do so.
    excused = {
        text
        for text in differing
        if old.encode(text) != base.encode([text])[0]
        or base.canonical(old.normalize(text)) != base.canonical(text)
    }
    failed = set(differing) - excused
    return [
        claim(
            "sentencepiece",
            "SentencePiece cuts every text into the same ids as tokenizer.json.",
            ((text, text not in failed) for text in plain if text not in excused),
        ),
        claim(
            "base-sentencepiece",
            "So do the base's own SentencePiece model and tokenizer.json.",
            ((text, text not in excused) for text in plain),
            required=False,
        ),
    ]


def special_token_claims(directories: tuple[Path, Path] | None) -> list[Claim]:
    """Compare what transformers does around the text: special ids, templates, sides, the chat template.

    Nothing is claimed without transformers, nor where it cannot load the base.
    """
    if directories is None or not installed("transformers"):
        return []
    try:
        before = _behaviour(_load(directories[0]))
    except Exception:  # A base of a bare tokenizer.json has no class that transformers could choose.
        return []
    after = _behaviour(_load(directories[1]))
    cases = ((f"{key}: {old!r} became {after[key]!r}", after[key] == old) for key, old in before.items())
    sentence = "Special tokens, templates, sides and the chat template are as transformers had them."
    return [claim("special-tokens", sentence, cases)]


def _behaviour(tokenizer: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        f"{name}_token_id": getattr(tokenizer, f"{name}_token_id", None) for name in _IDS
    }
    for name in ("padding_side", "truncation_side", "model_max_length", "chat_template", "model_input_names"):
        found[name] = getattr(tokenizer, name, None)
    for sample in _SAMPLES:
        ids = tokenizer(sample)["input_ids"]
        plain = tokenizer(sample, add_special_tokens=False)["input_ids"]
        start = next((n for n in range(len(ids) + 1) if ids[n : n + len(plain)] == plain), 0)
        found[f"ids around {sample!r}"] = (ids[:start], ids[start + len(plain) :])
    found["ids around a pair"] = len(tokenizer("a", "b")["input_ids"])
    return found


def _differing(
    cut: Callable[[Sequence[str]], list[list[int]]],
    tokenizer: FastTokenizer,
    texts: Sequence[str],
    advance: Callable[[float], None],
) -> Iterator[str]:
    for start in range(0, len(texts), _BATCH):
        batch = texts[start : start + _BATCH]
        both = zip(batch, cut(batch), tokenizer.encode(batch), strict=True)
        yield from (text for text, theirs, ours in both if theirs != ours)
        advance(len(batch))


def _processor(tokenizer: FastTokenizer) -> Any:
    from sentencepiece import SentencePieceProcessor

    return SentencePieceProcessor(model_proto=tokenizer.companions()[MODEL_NAME])


def _transformers(loaded: Any) -> Callable[[Sequence[str]], list[list[int]]]:
    def cut(texts: Sequence[str]) -> list[list[int]]:
        ids: list[list[int]] = loaded(list(texts), add_special_tokens=False)["input_ids"]
        return ids

    return cut


def _load(directory: Path) -> Any:
    # Not an error: many texts here are longer than the model's context.
    logging.getLogger("transformers.tokenization_utils_base").setLevel(logging.ERROR)
    with quiet_transformers("evaluate"):
        transformers = need("transformers", "evaluate")
        return transformers.AutoTokenizer.from_pretrained(directory, local_files_only=True)


def _version() -> str:
    return str(need("transformers", "evaluate").__version__)
