"""The added tokens of a tokenizer, wherever its files state them.

tokenizer.json is one of five places. tokenizer_config.json lists them under `added_tokens_decoder`, special
ones also by role and under `additional_special_tokens` or `extra_special_tokens`; special_tokens_map.json and
added_tokens.json do so in older directories. transformers adds what tokenizer.json lacks when it loads a
directory, each at the next free id whatever id the other file states, and so does this module. What a class
makes by itself is left to `slow_files`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

_FLAGS = ("single_word", "lstrip", "rstrip")
_LISTS = ("additional_special_tokens", "extra_special_tokens")
_ROLES = ("bos", "eos", "unk", "sep", "pad", "cls", "mask")


def with_added_tokens(
    spec: dict[str, Any],
    config: Mapping[str, Any],
    special: Mapping[str, Any],
    listed: Mapping[str, Any],
) -> dict[str, Any]:
    """`spec` with the added tokens of the files beside it; `spec` itself where they name no others.

    Args:
        spec: the parsed tokenizer.json.
        config: tokenizer_config.json.
        special: special_tokens_map.json.
        listed: added_tokens.json, from content to id.
    """
    tokens = {token["content"]: token for token in spec["added_tokens"]}
    pieces = _ids(spec["model"]["vocab"])
    last = max((token["id"] for token in tokens.values()), default=-1)
    found = dict(tokens)
    for content, flags in _stated(config, special, listed):
        if content in found:
            found[content] = {**found[content], **flags}
            continue
        index = pieces.get(content)
        if index is None:
            index = last + 1 if last >= len(pieces) else len(pieces)
        last = max(last, index)
        found[content] = {"id": index, "content": content, **_plain(special=True), **flags}
    if found == tokens:
        return spec
    return {**spec, "added_tokens": sorted(found.values(), key=lambda token: token["id"])}


def _stated(
    config: Mapping[str, Any], special: Mapping[str, Any], listed: Mapping[str, Any]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each token that the files name, with the flags that they state, in the order of their ids."""
    decoder = config.get("added_tokens_decoder")
    decoder = decoder if isinstance(decoder, dict) else {}
    # transformers reads the older files only where the configuration holds no such list.
    sources = (config,) if decoder else (config, special)
    named = dict(_named(sources))
    for _, token in sorted(decoder.items(), key=lambda item: int(item[0])):
        content, flags = _flags(token, special=False)
        yield content, {**flags, "special": flags["special"] or content in named}
    for content, _ in sorted(listed.items(), key=lambda item: item[1]):
        if not any(content == _content(token) for token in decoder.values()):
            yield content, _plain(special=content in named)
    yield from named.items()


def _named(sources: tuple[Mapping[str, Any], ...]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The special tokens by role, then the lists of further ones; no flags for bare strings."""
    for source in sources:
        for role in _ROLES:
            token = source.get(f"{role}_token")
            if token and _content(token):
                yield _flags(token, special=True) if isinstance(token, dict) else (token, {})
    for source in sources:
        for key in _LISTS:
            tokens = source.get(key) or []
            for token in tokens.values() if isinstance(tokens, dict) else tokens:
                if _content(token):
                    yield _flags(token, special=True) if isinstance(token, dict) else (token, {})


def _content(token: Any) -> str:
    content = token.get("content") if isinstance(token, dict) else token
    return content if isinstance(content, str) else ""


def _flags(token: Any, special: bool) -> tuple[str, dict[str, Any]]:
    """The content of a token that is stated with flags, and the flags; those left out are off."""
    special = special or bool(token.get("special"))
    flags = {key: bool(token.get(key)) for key in _FLAGS}
    return _content(token), {
        **flags,
        "normalized": bool(token.get("normalized", not special)),
        "special": special,
    }


def _plain(special: bool) -> dict[str, Any]:
    return {**dict.fromkeys(_FLAGS, False), "normalized": not special, "special": special}


def _ids(vocab: Any) -> Mapping[str, int]:
    if isinstance(vocab, dict):
        return vocab
    return {piece: index for index, (piece, _) in enumerate(vocab)}
