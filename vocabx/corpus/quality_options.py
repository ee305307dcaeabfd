"""What `--quality` is asked to do."""

from dataclasses import dataclass

from vocabx.corpus.engine import Engine


@dataclass(frozen=True)
class QualityOptions:
    """What is left out of a text for its quality.

    Attributes:
        wanted: whether to leave anything out; None for where the text is large, or there is a `model`.
        model: an n-gram model that KenLM wrote, or "".
        share: of the documents that the other rules keep, the share with the lowest perplexity that is kept.
        always: whether to judge a small text, too, where nothing is said of it.
        engine: where documents are read and judged one by one; it changes nothing in the result.
    """

    wanted: bool | None = None
    model: str = ""
    share: float = 0.5
    always: bool = False
    engine: Engine = "local"
