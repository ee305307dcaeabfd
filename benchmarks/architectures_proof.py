"""The proof that a model of one type can be extended: saved, extended, loaded, saved and loaded again."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from architectures_models import inputs_of

from vocabx.checkpoint.grow import grow_checkpoint
from vocabx.checkpoint.read_checkpoint import read_checkpoint
from vocabx.checkpoint.tables import Checkpoint
from vocabx.mixture.initialization import Initialization, everywhere
from vocabx.mixture.mixture import from_rows

# New rows: a copy of the row COPIED, and two mixtures.
COPIED = 42
NEW = 3
_GENERATED = 10
TEXT = (40, 43, COPIED, 44, 41, 47, COPIED, 46)


@dataclass(frozen=True)
class Proof:
    """What was measured of one extended model.

    Attributes:
        checkpoint: the base, with its embedding matrices.
        old: largest difference of the logits of old tokens.
        copy: largest difference of the logits after a new token that copies an old one, and of its own logits
            from those of the old one.
        again: largest difference after save_pretrained and loading again.
        generated: number of tokens generated; 0 for a model that does not generate.
        lost: tensors that loading missed, did not expect, or found of another shape.
    """

    checkpoint: Checkpoint
    old: float
    copy: float
    again: float
    generated: int
    lost: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether all of it is proven, within the rounding of float32 matrix products."""
        return max(self.old, self.copy, self.again) < 2e-5 and not self.lost


def prove(model: Any, directory: Path) -> Proof:
    """Save a small random model in `directory`, extend it, and compare both as transformers loads them.

    Raises:
        BaseModelError: vocabx refuses to extend it.
    """
    model.save_pretrained(directory / "base")
    return prove_saved(type(model), read_checkpoint(directory / "base"), directory)


def prove_saved(made: Any, checkpoint: Checkpoint, directory: Path) -> Proof:
    """Extend a saved model into `directory`, and compare both as its class `made` loads them."""
    import torch

    out, again = directory / "extended", directory / "again"
    out.mkdir()
    grow_checkpoint(checkpoint, _new_rows(checkpoint.input.rows), out, range(0))
    before, _ = _loaded(made, checkpoint.directory)
    after, lost = _loaded(made, out)
    rows = checkpoint.input.rows
    text = torch.tensor([TEXT])
    copied = torch.where(text == COPIED, rows, text)
    old, new, same = (_logits(one, ids) for one, ids in ((before, text), (after, text), (after, copied)))
    after.save_pretrained(again)
    reloaded, lost_again = _loaded(made, again)
    return Proof(
        checkpoint,
        old=_difference(new[..., :rows], old),
        copy=max(_difference(same, new), _difference(new[..., rows], new[..., COPIED])),
        again=_difference(_logits(reloaded, copied), same),
        generated=_generated(after, copied),
        lost=(*lost, *lost_again, *(() if new.shape[-1] == rows + NEW else ("logits of the new tokens",))),
    )


def _new_rows(rows: int) -> Initialization:
    parts = [(np.array([3, 5 + n]), np.array([0.25, 0.75])) for n in range(NEW)]
    return everywhere(from_rows(parts, rows)).copying({0: COPIED})


def _loaded(made: Any, directory: Path) -> tuple[Any, tuple[str, ...]]:
    model, info = made.from_pretrained(
        directory, local_files_only=True, dtype="float32", output_loading_info=True
    )
    return model.eval(), tuple(sorted(_names(info)))


def _names(info: Mapping[str, Any]) -> set[str]:
    parts = ("missing_keys", "unexpected_keys", "mismatched_keys")
    return {name if isinstance(name, str) else name[0] for part in parts for name in info[part]}


def _logits(model: Any, ids: Any) -> Any:
    import torch

    torch.manual_seed(0)
    with torch.inference_mode():
        return model(**inputs_of(model, ids)).logits


def _difference(one: Any, other: Any) -> float:
    return float((one - other).abs().max()) if one.shape == other.shape else float("inf")


def _generated(model: Any, ids: Any) -> int:
    import torch

    if not model.can_generate():
        return 0
    inputs = inputs_of(model, ids, further=_GENERATED)
    if (
        inputs.pop("decoder_input_ids", None) is not None
        and model.generation_config.decoder_start_token_id is None
    ):
        inputs["decoder_start_token_id"] = 0
    with torch.inference_mode():
        made = model.generate(**inputs, max_new_tokens=_GENERATED, min_new_tokens=_GENERATED, do_sample=False)
    return int(made.shape[1])
