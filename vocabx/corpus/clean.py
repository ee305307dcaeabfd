"""Cleaning of one document: what must not reach a vocabulary. Judges nothing about quality."""

import unicodedata

import regex

# Newline and tab carry meaning; every other control character, the byte-order mark and the
# replacement character are residue of files and decoders.
_RESIDUE = regex.compile(r"[\p{Cc}\uFEFF\uFFFD--[\n\t]]", regex.V1)
_BLANK_RUN = regex.compile(r"\n{3,}")


def clean(text: str) -> str:
    """Return `text` in NFC with unified newlines, no control characters and no trailing blanks."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _RESIDUE.sub("", text)
    text = unicodedata.normalize("NFC", text)
    text = "\n".join(line.rstrip() for line in text.split("\n"))
    return _BLANK_RUN.sub("\n\n", text).strip("\n")
