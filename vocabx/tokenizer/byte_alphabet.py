"""The printable alphabet in which byte-level BPE vocabularies are written (Radford et al., GPT-2).

Each of the 256 bytes has one character: printable Latin-1 stands for itself, the rest follow from U+0100.
"""


def _build() -> dict[int, str]:
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = (byte for byte in range(256) if byte not in printable)
    alphabet = {byte: chr(byte) for byte in printable}
    alphabet.update({byte: chr(0x100 + n) for n, byte in enumerate(others)})
    return alphabet


_CHARACTER = _build()
_BYTE = {character: byte for byte, character in _CHARACTER.items()}


def to_alphabet(data: bytes) -> str:
    """Write bytes in the alphabet, as " 中" -> "Ġä¸Ń"."""
    return "".join(_CHARACTER[byte] for byte in data)


def from_alphabet(text: str) -> bytes | None:
    """Read bytes written in the alphabet, or None when `text` is not (as a special token is not)."""
    try:
        return bytes(_BYTE[character] for character in text)
    except KeyError:
        return None
