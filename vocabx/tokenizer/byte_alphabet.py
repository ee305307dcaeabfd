"""The printable alphabet of byte-level BPE vocabularies (Radford et al., GPT-2).

Each of the 256 bytes maps to one character: printable Latin-1 to itself, the rest to U+0100 onwards.
"""


def _build() -> dict[int, str]:
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = (byte for byte in range(256) if byte not in printable)
    alphabet = {byte: chr(byte) for byte in printable}
    alphabet.update({byte: chr(0x100 + n) for n, byte in enumerate(others)})
    return alphabet


_CHARACTER = _build()
# Latin-1 without the alphabet becomes a character that Latin-1 cannot encode.
_BYTE = dict.fromkeys(range(256), "\uffff") | {
    ord(character): chr(byte) for byte, character in _CHARACTER.items()
}


def to_alphabet(data: bytes) -> str:
    """Encode bytes in the alphabet, e.g. " 中" -> "Ġä¸Ń"."""
    return data.decode("latin-1").translate(_CHARACTER)


def from_alphabet(text: str) -> bytes | None:
    """Decode bytes from the alphabet; None when `text` is not written in it, as special tokens are not."""
    try:
        return text.translate(_BYTE).encode("latin-1")
    except UnicodeEncodeError:
        return None
