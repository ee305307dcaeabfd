"""The options of `vocabx mixture`."""

from pathlib import Path

from vocabx._util.options import option, options
from vocabx.commands._options import LARGEST_TEXT, OUTPUT, command
from vocabx.commands._training_options import SCHEDULE, TrainingOptions
from vocabx.errors import OptionError
from vocabx.training.mixture_law import FEWEST_SHARES

QUESTION = "Question"


@options
class MixtureOptions(TrainingOptions):
    """Options of `mixture`; each has its own help text."""

    out: Path = option(
        "Directory to write; must not exist or be empty, unless --resume is given.",
        default=Path("mixture"),
        panel=OUTPUT,
    )
    replay_shares: str = option(
        f"Shares of replay to train with, comma-separated, {FEWEST_SHARES} or more.",
        default="0,0.1,0.25,0.5,0.75",
        panel=QUESTION,
        metavar="<shares>",
    )
    check_share: float | None = option(
        "A further share to train with, which no law is fitted to: the laws are checked by it.",
        default=None,
        panel=QUESTION,
        ge=0,
        lt=1,
    )
    tolerance: float = option(
        "By how many percent the base's language may get worse, in bits per byte.",
        default=5.0,
        panel=QUESTION,
        gt=0,
        most=10_000,
    )
    target_bytes: int | None = option(
        "Bytes of text in the language that the wanted training reads. Default: all of --corpus, once.",
        default=None,
        panel=QUESTION,
        ge=1000,
        most=LARGEST_TEXT,
    )
    max_steps: int = option(
        "Training steps of each run.", default=100, panel=SCHEDULE, ge=10, most=1_000_000_000
    )
    resume: bool = option(
        "Go on with an earlier call: finished runs are kept, and an unfinished one is resumed. Further "
        "shares may be given.",
        default=False,
        panel=OUTPUT,
    )
    command: str = command("page")

    def check(self) -> None:
        """Refuse shares that no law can be fitted to.

        Raises:
            OptionError: if one is no number from 0 up to below 1, or there are too few.
        """
        super().check()
        shares = self.shares
        if len(shares) < FEWEST_SHARES:
            lacking = FEWEST_SHARES - len(shares)
            raise OptionError(
                f"a law of the mixture needs {FEWEST_SHARES} shares or more, and --replay-shares has "
                f"{len(shares)}: pass {lacking} more"
            )
        if self.check_share is not None and self.check_share in shares:
            raise OptionError(
                "--check-share is one of --replay-shares, to which the laws are fitted: pass another"
            )

    @property
    def shares(self) -> tuple[float, ...]:
        """The shares that the laws are fitted to, ascending, each once.

        Raises:
            OptionError: one is no share.
        """
        found = set()
        for part in filter(None, (part.strip() for part in self.replay_shares.split(","))):
            try:
                share = float(part)
            except ValueError:
                share = -1.0
            if not 0 <= share < 1:
                raise OptionError(
                    f"--replay-shares has {part[:40]!r}: pass numbers from 0 and below 1, comma-separated"
                )
            found.add(share)
        return tuple(sorted(found))
