"""Extend SmolLM2 by 500 Traditional Chinese tokens, and load the result with transformers.

    python examples/extend_a_model.py [TEXT ...]

TEXT are files to learn from; without any, the text of the packages that `make demo` installs. No network.
"""

import sys
import tempfile
from pathlib import Path

from vocabx import ExtendOptions, VocabxError, extend

SENTENCE = "起初神創造天地。"


def main(files: list[str]) -> None:
    """Extend, show what came of it, and load it."""
    out = Path(tempfile.mkdtemp()) / "extended"
    options = ExtendOptions(
        base="smollm2",
        lang="zh-Hant",
        corpus=tuple(files),
        out=out,
        new_tokens=500,
        learn_bytes=300_000,
        # Bits per byte would load both models, and 10,000 adversarial strings take their time.
        evaluate=False,
        adversarial=200,
    )
    result = extend(options)
    print(f"{out} holds the checkpoint, report.html its figures.")
    print(f"Held-out text takes {result.report.target.tokens_share:.0%} of the tokens that it took.")
    for claim in result.certificate.claims:
        if claim.required:
            print(f"{'holds' if claim.holds else 'fails'}  {claim.sentence} ({claim.checked:,} cases)")

    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(out), AutoModelForCausalLM.from_pretrained(out)
    ids = tokenizer(SENTENCE, return_tensors="pt")
    print(
        f"{SENTENCE} is {ids.input_ids.shape[1]} tokens of {model.get_input_embeddings().num_embeddings:,}."
    )
    print(f"Its loss, before any training, is {model(**ids, labels=ids.input_ids).loss:.2f} nats a token.")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except VocabxError as error:
        sys.exit(f"error: {error}")
