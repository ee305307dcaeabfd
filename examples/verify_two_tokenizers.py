"""Prove an extended tokenizer against its base, whoever made it.

    python examples/verify_two_tokenizers.py BASE EXTENDED LANGUAGE
    python examples/verify_two_tokenizers.py

BASE and EXTENDED are directories or files of tokenizers, LANGUAGE is a tag such as th. Without them, the
usual way to add tokens is compared with that of vocabx. No network.
"""

import json
import sys
import tempfile
from pathlib import Path

from tokenizers import AddedToken, Tokenizer

from vocabx import VocabxError
from vocabx.api import Certificate, add_tokens, open_base, verify_tokenizers

# English that holds a new token by chance, as texts do.
TOKENS = [" Zelle", " Zellen", " Zellkern", "kern"]
ENGLISH = ["A kernel of wheat.", "Whoever goes out, close the door.", "They met on Mount Kernow."]


def show(title: str, certificate: Certificate) -> None:
    """Print the claims that do not hold, with a counterexample of each."""
    print(f"{title}: {'passed' if certificate.passed else 'failed'}")
    for claim in certificate.claims:
        if claim.required and not claim.holds:
            print(f"  {claim.failed:,} of {claim.checked:,} fail: {claim.sentence}")
            print(f"    {claim.examples[0]!r:.90}")


def main(arguments: list[str]) -> None:
    """Verify what was given, or both ways."""
    if len(arguments) == 3:
        show(arguments[1], verify_tokenizers(*arguments, adversarial=2000))
        return
    base = open_base("smollm2").tokenizer
    by_vocabx = add_tokens(base, TOKENS).tokenizer
    usual = Tokenizer.from_str(json.dumps(base.spec))
    usual.add_tokens([AddedToken(token, normalized=False) for token in TOKENS])
    path = Path(tempfile.mkdtemp()) / "tokenizer.json"
    usual.save(str(path))
    for title, extended in (("add_tokens of transformers", path), ("add_tokens of vocabx", by_vocabx)):
        show(title, verify_tokenizers(base, extended, "de", protected=ENGLISH, adversarial=1000))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except VocabxError as error:
        sys.exit(f"error: {error}")
