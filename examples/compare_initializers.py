"""Give the same new tokens embeddings by several methods, and see where each puts them. No model is loaded.

    python examples/compare_initializers.py [TEXT ...]

TEXT are files to learn from; without any, the text of the packages that `make demo` installs. No network.
"""

import sys

import numpy as np

from vocabx import VocabxError, api

SHOWN = 4


def main(files: list[str]) -> None:
    """Learn tokens, initialize them by each method, and print norms, the hull bound and neighbours."""
    base = api.open_base("smollm2")
    lines = api.read_text("zh-Hant", files, learn_bytes=500_000).learning
    learned = api.learn_tokens(base.tokenizer, lines, "zh-Hant", new_tokens=300)
    extension = api.add_tokens(base.tokenizer, learned, first_id=base.first_id)
    given = {
        "old_rows": base.tokens,
        "old_tokens": base.token_bytes,
        "text": api.tokenize_text(extension, lines),
    }
    old = np.asarray(base.embeddings[: base.tokens], np.float32)
    unit = old / np.linalg.norm(old, axis=1, keepdims=True)
    # Whole words tell a reader more than parts of characters.
    texts = [token.decode(errors="replace") for token in extension.pieces]
    words = [row for row, text in enumerate(texts) if len(text) > 1 and "\ufffd" not in text][:SHOWN]
    print(f"old embeddings: norm {np.linalg.norm(old, axis=1).mean():.2f}")
    for method in ("zip-tie", "cw2v", "focus", "mean"):
        initialization = api.initialize(method, base.embeddings, extension.pieces, **given)
        rows, bound = initialization.apply("input", base.embeddings), initialization.hull_bound()
        print(
            f"\n{method}: norm {np.linalg.norm(rows, axis=1).mean():.2f}, "
            f"{initialization.collisions()} rows equal another, "
            f"{'no bound' if bound is None else f'at most {bound:.2f} nats'} on what old text loses"
        )
        for row in words:
            nearest = np.argsort(-(unit @ rows[row]))[:4]
            print(f"  {texts[row]}: {'  '.join(base.tokenizer.describe(int(index)) for index in nearest)}")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except VocabxError as error:
        sys.exit(f"error: {error}")
