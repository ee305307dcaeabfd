"""Cleans one document of what must not reach a vocabulary. Does not filter by quality."""

import re
import unicodedata

import regex

# Newlines and tabs carry meaning; every other control character, the byte-order mark and the
# replacement character are artifacts of files and decoders.
_RESIDUE = regex.compile(r"[\p{Cc}\uFEFF\uFFFD--[\n\t]]", regex.V1)
# A form feed separates words like a newline: dropping it would join them.
_NEWLINE = regex.compile(r"\r\n?|[\v\f\x85\u2028\u2029]")
_BLANK_RUN = re.compile(r"\n{3,}")
# What either of the first two matches: most texts have none of it, and one fast search says so.
_ODD = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffd]")


def clean(text: str) -> str:
    """Return `text` in NFC with unified newlines, no control characters and no trailing white space."""
    if _ODD.search(text):
        text = _NEWLINE.sub("\n", text)
        text = _RESIDUE.sub("", text)
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    text = "\n".join(line.rstrip() for line in text.split("\n"))
    return (_BLANK_RUN.sub("\n\n", text) if "\n\n\n" in text else text).strip("\n")
