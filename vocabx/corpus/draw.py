"""The sample of a text that a command works on, partly held out for measurements."""

from collections.abc import Sequence
from functools import partial

from vocabx.corpus.engine import Engine, in_order
from vocabx.corpus.parts import grouped
from vocabx.corpus.processes import cores
from vocabx.corpus.read_text import check_damaged
from vocabx.corpus.sample import Corpus, Sampler, sample_corpus
from vocabx.corpus.sample_sizes import SampleSizes
from vocabx.corpus.shard import Shard, divided, worth_dividing
from vocabx.corpus.skipped import Skipped
from vocabx.corpus.source import TextSource, note_left_out
from vocabx.errors import CorpusError
from vocabx.progress import Advance, Progress

# Bytes of text that are sampled together, and at least so many groups for Ray's workers, if there are.
_GROUP, _WORKERS = 256 << 20, 16


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
        if source.shards and (engine != "local" or worth_dividing(source.shards)):
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


def sample_shards(
    shards: Sequence[Shard], advance: Advance, scripts: Sequence[str], sizes: SampleSizes
) -> tuple[Sampler, Skipped]:
    """What a sample of the whole text needs of some shards, and what of them was left out."""
    skipped = Skipped()
    sampler = Sampler(scripts, sizes.learn_bytes, sizes.heldout_bytes, sizes.seed)
    for shard in shards:
        read = 0
        for document in shard.documents(skipped):
            # A part begins and ends somewhat after its nominal bytes.
            now = min(document.bytes_read, shard.bytes or document.bytes_read)
            advance(now - read)
            read = now
            sampler.add(document.text, document.learn_only, document.source)
        # What is behind the last document.
        advance(max(0, shard.bytes - read))
    return sampler, skipped


def _from_shards(
    source: TextSource, scripts: Sequence[str], sizes: SampleSizes, advance: Advance, engine: Engine
) -> Corpus:
    work = partial(sample_shards, scripts=tuple(scripts), sizes=sizes)
    whole = Sampler(scripts, sizes.learn_bytes, sizes.heldout_bytes, sizes.seed)
    source.skipped.clear()
    shards = divided(source.shards)
    groups = [shards[group] for group in grouped([shard.bytes for shard in shards], _groups(shards, engine))]
    for sampler, skipped in in_order(engine, work, groups, advance, _bytes):
        whole.merge(sampler)
        source.skipped.merge(skipped)
    check_damaged(source.skipped)
    return whole.corpus()


def _groups(shards: Sequence[Shard], engine: Engine) -> int:
    """How many groups of shards are sampled apart: each draws a whole sample, so they should be large."""
    least = -(-_bytes(shards) // _GROUP)
    return -(-least // cores()) * cores() if engine == "local" else max(least, min(len(shards), _WORKERS))


def _bytes(shards: Sequence[Shard]) -> int:
    return sum(shard.bytes for shard in shards)
