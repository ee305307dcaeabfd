"""vocabx merge: turn a finished training run into a checkpoint."""

from typing import TYPE_CHECKING

from vocabx.commands.merge.options import MergeOptions

from .options import command
from .plain_line import json_line

if TYPE_CHECKING:
    from vocabx.commands.merge.run import MergeResult


@command(MergeOptions, out="{directory}-merged")
def merge(options: MergeOptions, quiet: bool, as_json: bool) -> None:
    """Merge a finished training run into a plain checkpoint: adapters and new token embeddings."""
    from vocabx.commands.merge.run import merge as run

    from .progress import TerminalProgress

    merged = run(options, TerminalProgress(quiet))
    if as_json:
        print(json_line(merged.to_dict()))
    else:
        _print(merged)


def _print(merged: "MergeResult") -> None:
    from .terminal import print_properties

    onto = f" onto the {merged.onto} weights" if merged.method in ("qlora", "lora") else ""
    rows = {
        "checkpoint": f"{merged.directory}",
        "merged": f"{merged.method}{onto}; {merged.changed:,} of {merged.tensors:,} tensors changed",
    }
    found = merged.agreement
    if found is not None:
        rows |= {
            "compared on": f"{found.bytes:,} bytes of {found.text}",
            "bits per byte": f"{found.trained:.4f} trained, {found.merged:.4f} merged, "
            f"{found.difference:+.4f}",
            "divergence": f"{found.divergence:.2e} nats per token",
        }
    print_properties(rows)
