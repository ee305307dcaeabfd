"""A donor's tokens in bases of other families: a SentencePiece Unigram model of 20,000 Chinese pieces.

    python benchmarks/donor.py

Trains the donor on the demonstration's text with SentencePiece's own trainer, and gives its tokens to Llama 2
(pieces and scores), GPT-2 and SmolLM2 (bytes and merges), with missing intermediates added and with the
tokens dropped that need any. Beside each: as many tokens learned from the same text, and the donor itself.
"""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from bases import add_bases_option, load_tokenizer, tokenizer_path
from common import Result, new_parser, run_script, timed
from measure_extension import add_adversarial_option, finish_table, measure
from sentencepiece import SentencePieceProcessor, SentencePieceTrainer
from texts import add_text_options, alphabet_of, english_lines, sample_text

from vocabx.evaluation.fertility import count_tokens
from vocabx.progress import Quiet
from vocabx.tokenizer.donor import read_donor
from vocabx.tokenizer.extension import TokenRequest, extend_tokenizer

BASES = ("Llama 2", "GPT-2", "SmolLM2")


def main(arguments: Sequence[str] | None = None) -> Result:
    parser = new_parser(__doc__, pieces=20_000)
    add_bases_option(parser, BASES)
    add_adversarial_option(parser)
    add_text_options(parser, "corpus", "base_text")
    options = parser.parse_args(arguments)
    corpus, english = sample_text("zh-Hant", options.corpus), english_lines(options.base_text)
    alphabet = alphabet_of("zh-Hant")
    with TemporaryDirectory() as directory:
        prefix = Path(directory) / "donor"
        _, training = timed(lambda: train(corpus.learning, prefix, options.pieces))
        model = prefix.with_suffix(".model")
        tokens = tuple(token for token in read_donor(model) if alphabet.allows_token(token))
        processor = SentencePieceProcessor(model_file=str(model))
        own = sum(map(len, processor.encode(list(corpus.heldout))))
    rows, examples = [], {}
    for name in options.bases:
        path = tokenizer_path(name)
        base = load_tokenizer(path)
        before = count_tokens(base, corpus.heldout)
        for intermediates in ("add", "drop"):
            request = TokenRequest(donor=tokens, add_intermediates=intermediates == "add")
            found = measure(path, base, corpus, english, alphabet, request, options.adversarial)
            merges = found.extension.donor_merges
            assert merges is not None
            as_many = TokenRequest(len(found.extension.pieces))
            learned = extend_tokenizer(base, corpus.learning, alphabet, as_many, base.size, Quiet())
            case = f"{name}, {intermediates}"
            rows.append(
                {
                    "base": case,
                    "taken": merges.taken,
                    "intermediates": merges.intermediates,
                    "dropped": merges.dropped,
                    "known": merges.known,
                    **found.row,
                    "ratio, as many learned": round(
                        count_tokens(learned.tokenizer, corpus.heldout) / before, 4
                    ),
                    "ratio, donor alone": round(own / before, 4),
                    **found.failures(),
                }
            )
            examples[case] = found.examples()
    donor = {
        "pieces": options.pieces,
        "of_the_language": len(tokens),
        "training_seconds": round(training, 1),
    }
    return finish_table(options.out, "donor", rows, donor=donor, examples=examples)


def train(lines: Sequence[str], prefix: Path, pieces: int) -> None:
    """Train a Unigram model, and write it as PREFIX.model."""
    SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_prefix=str(prefix),
        model_type="unigram",
        vocab_size=pieces,
        # By default full-width punctuation would be made ASCII, and the donor would lack it.
        normalization_rule_name="identity",
        character_coverage=1.0,
        num_threads=2,
        minloglevel=2,
    )


if __name__ == "__main__":
    run_script(main)
