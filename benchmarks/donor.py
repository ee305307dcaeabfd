"""A donor's tokens in bases of other families: a SentencePiece Unigram model of 20,000 Chinese pieces.

    python benchmarks/donor.py

Trains the donor on the demonstration's text with SentencePiece's own trainer, and gives its tokens to Llama 2
(pieces and scores), GPT-2 and SmolLM2 (bytes and merges), with the missing intermediates bought and with the
tokens dropped that need any. Beside each: as many tokens learned from the same text, and the donor itself.
"""

import time
from pathlib import Path
from tempfile import TemporaryDirectory

from common import taiwanese_text
from families import zeros
from material import alphabet_of, english_lines, finish, load, measure
from sentencepiece import SentencePieceProcessor, SentencePieceTrainer

from vocabx.evaluation.fertility import count_tokens
from vocabx.progress import Quiet
from vocabx.tokenizer.donor import read_donor
from vocabx.tokenizer.extension import TokenRequest, extend_tokenizer

PIECES = 20_000


def main() -> None:
    corpus, english, alphabet = taiwanese_text(8_000_000), english_lines(), alphabet_of("zh-Hant")
    with TemporaryDirectory() as directory:
        prefix = Path(directory) / "donor"
        start = time.perf_counter()
        train(corpus.learning, prefix)
        training = time.perf_counter() - start
        model = prefix.with_suffix(".model")
        tokens = tuple(token for token in read_donor(model) if alphabet.allows_token(token))
        processor = SentencePieceProcessor(model_file=str(model))
        own = sum(map(len, processor.encode(list(corpus.heldout))))
    rows, examples = [], {}
    for name in ("Llama 2", "GPT-2", "SmolLM2"):
        path, base = load(name)
        before = count_tokens(base, corpus.heldout)
        for add_intermediates in (True, False):
            request = TokenRequest(donor=tokens, add_intermediates=add_intermediates)
            found = measure(path, base, corpus, english, alphabet, request)
            donor_merges = found.extension.donor_merges
            learned = extend_tokenizer(
                base, corpus.learning, alphabet, TokenRequest(len(found.extension.pieces)), base.size, Quiet()
            )
            case = f"{name}, {'add' if add_intermediates else 'drop'}"
            rows.append(
                {
                    "base": case,
                    "taken": donor_merges.taken,
                    "intermediates": donor_merges.intermediates,
                    "dropped": donor_merges.dropped,
                    "known": donor_merges.known,
                    **found.row,
                    "ratio, as many learned": round(
                        count_tokens(learned.tokenizer, corpus.heldout) / before, 4
                    ),
                    "ratio, donor alone": round(own / before, 4),
                    **zeros(found),
                }
            )
            examples[case] = found.examples()
    donor = {"pieces": PIECES, "of_the_language": len(tokens), "training_seconds": round(training, 1)}
    finish("donor", rows, donor=donor, examples=examples)


def train(lines: tuple[str, ...], prefix: Path) -> None:
    SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_prefix=str(prefix),
        model_type="unigram",
        vocab_size=PIECES,
        # By default full-width punctuation would be made ASCII, and the donor would lack it.
        normalization_rule_name="identity",
        character_coverage=1.0,
        num_threads=2,
        minloglevel=2,
    )


if __name__ == "__main__":
    main()
