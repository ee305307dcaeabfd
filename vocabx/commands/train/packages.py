"""The packages that a run needs, asked for before the work."""

from vocabx._util.extras import Packages, require_all
from vocabx.checkpoint.base import base_packages
from vocabx.checkpoint.objective import objective_of
from vocabx.checkpoint.tables import Checkpoint
from vocabx.commands.train.options import TrainOptions
from vocabx.commands.train.sources import (
    decay_source,
    language_of_base,
    measured_source,
    replay_source,
    target_source,
)
from vocabx.commands.train.trained_checkpoint import trained_checkpoint
from vocabx.corpus.languages import Language
from vocabx.corpus.several import find_languages
from vocabx.evaluation.units import units_packages
from vocabx.report.svg import PACKAGES as PLOTS
from vocabx.training.methods import Method


def check_packages(options: TrainOptions) -> None:
    """Refuse a run for want of packages, and name all of them: before torch is asked which device there is.

    Raises:
        VocabxError: a package is missing, or there is no checkpoint or no text.
    """
    # Which method "auto" means is known with the device, and one that needs more is refused then.
    method = Method("lora" if options.method == "auto" else options.method, "float32")
    checkpoint, manifest = trained_checkpoint(options.directory)
    spoken = language_of_base(manifest)
    replay, decay = replay_source(options, spoken), decay_source(options)
    measured = measured_source(options, spoken)
    require_all(
        {
            **method.packages,
            **dict.fromkeys(PLOTS, "train"),
            # Trackers are no part of an extra.
            **dict.fromkeys(options.trackers, ""),
            **target_source(options, manifest).packages,
            **_segmenting(checkpoint, (find_languages(manifest.language), spoken)),
            **(replay.packages if replay else {}),
            **(decay.packages if decay else {}),
            **(measured.packages if measured else {}),
            **(base_packages(options.base or manifest.base.name) if options.contest else {}),
        }
    )


def _segmenting(checkpoint: Checkpoint, languages: tuple[Language, ...]) -> Packages:
    """The packages that find the words of the languages, where words are hidden from the model."""
    return {} if objective_of(checkpoint.config) == "causal" else units_packages(languages)
