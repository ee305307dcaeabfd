"""The sample of a text that a command works on, partly held out for measurements."""

from collections.abc import Sequence
from functools import partial

from vocabx.corpus.engine import Engine, in_order
from vocabx.corpus.read_text import check_damaged
from vocabx.corpus.sample import Corpus, Sampler, sample_corpus
from vocabx.corpus.sample_sizes import SampleSizes
from vocabx.corpus.shard import Shard
from vocabx.corpus.skipped import Skipped
from vocabx.corpus.source import TextSource, note_left_out
from vocabx.errors import CorpusError
from vocabx.progress import Advance, Progress


def draw_corpus(
    source: TextSource,
    scripts: Sequence[str],
    sizes: SampleSizes,
    title: str,
    progress: Progress,
    engine: Engine = "local",
) -> Corpus:
    """Sample `source` and split the sample.

    Args:
        source: the text.
        scripts: of its language.
        sizes: how much to learn from and how much to hold out.
        title: of the stage.
        progress: reports the bytes read.
        engine: where the shards of the text are read, which changes nothing in the result.

    Raises:
        CorpusError: the text is too small to hold some out.
    """
    with progress.stage(title, source.bytes or None, "B") as advance:
        if engine != "local" and source.shards:
            corpus = _from_shards(source, scripts, sizes, advance, engine)
        else:
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


def sample_shard(shard: Shard, scripts: Sequence[str], sizes: SampleSizes) -> tuple[Sampler, Skipped]:
    """What a sample of the whole text needs of one shard, and what of it was left out."""
    skipped = Skipped()
    sampler = Sampler(scripts, sizes.learn_bytes, sizes.heldout_bytes, sizes.seed)
    for document in shard.documents(skipped):
        sampler.add(document.text, document.learn_only, document.source)
    return sampler, skipped


def _from_shards(
    source: TextSource, scripts: Sequence[str], sizes: SampleSizes, advance: Advance, engine: Engine
) -> Corpus:
    work = partial(sample_shard, scripts=tuple(scripts), sizes=sizes)
    whole = Sampler(scripts, sizes.learn_bytes, sizes.heldout_bytes, sizes.seed)
    source.skipped.clear()
    for shard, (sampler, skipped) in zip(source.shards, in_order(engine, work, source.shards), strict=True):
        whole.merge(sampler)
        source.skipped.merge(skipped)
        advance(shard.bytes)
    check_damaged(source.skipped)
    return whole.corpus()
