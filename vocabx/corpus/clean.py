"""Cleans one document of what must not reach a vocabulary. Does not filter by quality."""

import unicodedata

import regex

# Newlines and tabs carry meaning; every other control character, the byte-order mark and the
# replacement character are artifacts of files and decoders.
_RESIDUE = regex.compile(r"[\p{Cc}\uFEFF\uFFFD--[\n\t]]", regex.V1)
# A form feed separates words like a newline: dropping it would join them.
_NEWLINE = regex.compile(r"\r\n?|[\v\f\x85\u2028\u2029]")
_BLANK_RUN = regex.compile(r"\n{3,}")


def clean(text: str) -> str:
    """Return `text` in NFC with unified newlines, no control characters and no trailing white space."""
    text = _NEWLINE.sub("\n", text)
    text = _RESIDUE.sub("", text)
    text = unicodedata.normalize("NFC", text)
    text = "\n".join(line.rstrip() for line in text.split("\n"))
    return _BLANK_RUN.sub("\n\n", text).strip("\n")
