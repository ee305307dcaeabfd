"""The sample of a text that a command works on, partly held out for measurements."""

from collections.abc import Sequence

from vocabx.corpus.sample import Corpus, sample_corpus
from vocabx.corpus.sample_sizes import SampleSizes
from vocabx.corpus.source import TextSource, note_left_out
from vocabx.errors import CorpusError
from vocabx.progress import Progress


def draw_corpus(
    source: TextSource, scripts: Sequence[str], sizes: SampleSizes, title: str, progress: Progress
) -> Corpus:
    """Sample `source` and split the sample.

    Args:
        source: the text.
        scripts: of its language.
        sizes: how much to learn from and how much to hold out.
        title: of the stage.
        progress: reports the bytes read.

    Raises:
        CorpusError: the text is too small to hold some out.
    """
    with progress.stage(title, source.bytes or None, "B") as advance:
        corpus = sample_corpus(
            source.open(), scripts, sizes.learn_bytes, sizes.heldout_bytes, sizes.seed, advance
        )
    note_left_out(source, progress)
    if not corpus.heldout:
        raise CorpusError(
            f"{source.description} has {corpus.bytes_read:,} bytes of text, too few to hold some out for "
            "measuring: give more text"
        )
    return corpus
