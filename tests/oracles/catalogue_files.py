"""Real words of many languages from an installed package, and the catalogues of programs that hold them."""

import struct

from language_data.name_data import CODE_TO_NAMES
from language_data.names import code_to_names


def names_in(language: str) -> list[str]:
    """Names of languages and countries in one language: real words of it, from an installed package."""
    names = (code_to_names(code).get(language) for code in sorted(CODE_TO_NAMES))
    return list(dict.fromkeys(name for name in names if name))


def mo_file(strings: dict[str, str]) -> bytes:
    """A catalogue as msgfmt writes it: magic, revision, count, two tables of lengths and offsets, strings."""
    pairs = sorted((source.encode(), target.encode()) for source, target in strings.items())
    start = 28
    tables, data = b"", b""
    for side in range(2):
        for pair in pairs:
            tables += struct.pack("<2I", len(pair[side]), start + 16 * len(pairs) + len(data))
            data += pair[side] + b"\0"
    header = struct.pack("<7I", 0x950412DE, 0, len(pairs), start, start + 8 * len(pairs), 0, 0)
    return header + tables + data
