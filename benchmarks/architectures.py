"""Every model type of transformers: what of it is resized, found by building its class, and proven.

    python benchmarks/architectures.py
    python benchmarks/architectures.py --types llama bart gemma4_text

For each type of transformers' causal, sequence-to-sequence, masked and image-text maps: the processor time
that finding the embedding matrices takes at the size of the type's default configuration; and a small random
model, saved by transformers, extended, loaded, saved and loaded again (architectures_proof.py). A run also
writes assets/model_types.json, which `vocabx bases --types` lists, and docs/models.md from it.
"""

import gc
import json
import tempfile
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from architectures_models import small_model
from architectures_proof import prove
from common import RESULTS, Result, new_parser, read_result, run_script, write_result

from vocabx._util.memory import peak_memory
from vocabx._util.quiet import quiet_transformers
from vocabx.checkpoint.built_architecture import Shapes, built_architecture
from vocabx.checkpoint.model_types import FILE, MAPS, model_types_page
from vocabx.checkpoint.tables import Checkpoint
from vocabx.errors import VocabxError

# Types whose ids are no tokens of a text.
NOT_TEXT = {
    **dict.fromkeys(("musicgen", "musicgen_melody"), "codes of audio"),
    **dict.fromkeys(("esm", "esmc"), "amino acids"),
    **dict.fromkeys(("blt", "perceiver"), "bytes"),
    "pi0": "actions of a robot",
}
# Packages that transformers takes parts of some models from.
_PACKAGES = {"timm"}
NAME = "architectures"
_REPOSITORY = Path(__file__).resolve().parents[1]


def main(arguments: Sequence[str] | None = None) -> Result:
    parser = new_parser(__doc__)
    parser.add_argument(
        "--types", nargs="+", metavar="TYPE", help="default: all; the others stay as recorded"
    )
    options = parser.parse_args(arguments)
    import torch
    import transformers

    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    recorded = {(row["type"], row["class"]): row for row in read_result(options.out, NAME).get("rows", ())}
    rows = []
    for which, kind, made in _all_types():
        if options.types and kind not in options.types:
            rows += [recorded[kind, made]] if (kind, made) in recorded else []
            continue
        with quiet_transformers("evaluate"):
            rows.append({"map": which, "type": kind, "class": made, **_examined(kind, made)})
        print(json.dumps(rows[-1]), flush=True)
        gc.collect()
    result = {
        "transformers": transformers.__version__,
        **_counts(rows),
        "peak_bytes": peak_memory(),
        "rows": rows,
    }
    write_result(options.out, NAME, result)
    if options.out == RESULTS:
        _write_record(transformers.__version__, rows)
    return result


def _write_record(version: str, rows: Sequence[dict[str, Any]]) -> None:
    """What vocabx itself shows of the run: its packaged record, and the page made of it."""
    content = {"transformers": version, "types": [_listed(row) for row in rows]}
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    (_REPOSITORY / "assets" / FILE).write_text(text, encoding="utf-8")
    (_REPOSITORY / "docs" / "models.md").write_text(model_types_page(), encoding="utf-8")


def _all_types() -> list[tuple[str, str, str]]:
    """Map, model type and class, each pair of type and class once."""
    from transformers.models.auto import modeling_auto

    found: dict[tuple[str, str], str] = {}
    for which in MAPS:
        for kind, made in getattr(modeling_auto, f"MODEL_FOR_{which}_MAPPING_NAMES").items():
            for one in (made,) if isinstance(made, str) else made:
                found.setdefault((kind, one), which)
    return [(which, kind, made) for (kind, made), which in found.items()]


def _examined(kind: str, made: str) -> dict[str, Any]:
    if kind in NOT_TEXT:
        return {"verdict": "no text", "reason": NOT_TEXT[kind]}
    seconds, refusal = _finding(kind, made)
    try:
        with tempfile.TemporaryDirectory() as directory:
            model = small_model(kind, made)
            proof = prove(model, Path(directory))
    except VocabxError as error:
        return {"verdict": "refused", "reason": _reason(error), "seconds": seconds}
    except Exception as error:  # Whatever a type's own code raises for a small model.
        words = f"{type(error).__name__}: {' '.join(str(error).split())}"[:160]
        if refusal:
            return {"verdict": "refused", "reason": refusal, "seconds": seconds}
        return {
            "verdict": "unproven",
            "reason": f"no small model could be made ({words})",
            "seconds": seconds,
        }
    return {
        "verdict": "extended" if proof.holds else "failed",
        "reason": ", ".join(proof.lost),
        **_tables(proof.checkpoint),
        "old": proof.old,
        "copy": proof.copy,
        "again": proof.again,
        "generates": proof.generated > 0,
        "needs": _needs(model),
        "seconds": seconds,
    }


def _finding(kind: str, made: str) -> tuple[float | None, str]:
    """Processor seconds of finding the matrices at the default size; why it is refused, or ""."""
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    try:
        config = json.loads(CONFIG_MAPPING[kind]().to_json_string(use_diff=False))
    except Exception:  # Some have no default configuration.
        config = {}
    start = time.process_time()
    try:
        built_architecture({**config, "model_type": kind, "architectures": [made]}, Shapes({}), "It")
    except VocabxError as error:
        return None, _reason(error)
    return round(time.process_time() - start, 2), ""


def _reason(error: VocabxError) -> str:
    """What of a refusal concerns the type: it begins with the directory and ends with what to do."""
    text = str(error)
    if "needs another package" in text:
        return "needs another package in transformers (" + text.partition(" (")[2].rpartition("): ")[0] + ")"
    return text.partition("', which ")[2].partition(": vocabx cannot")[0] or text.partition(": ")[2] or text


def _tables(checkpoint: Checkpoint) -> dict[str, Any]:
    return {
        "input": checkpoint.input.name,
        "output": "tied" if checkpoint.tied else checkpoint.output.name if checkpoint.output else "",
        "biases": [table.name for table in checkpoint.biases],
        "copies": [table.name for table in (*checkpoint.copies, *checkpoint.output_copies)],
        "lookups": [table.name for table in checkpoint.lookups],
        "choices": [table.name for table in checkpoint.choices],
        "settings": list(checkpoint.architecture.sizes or ("vocab_size",)),
    }


def _needs(model: Any) -> str:
    """A further package that modules of a model come from, or ""."""
    found = {type(module).__module__.partition(".")[0] for module in model.modules()}
    return min(found & _PACKAGES, default="")


def _counts(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    text = [row for row in rows if row["verdict"] != "no text"]
    extended = [row for row in text if row["verdict"] == "extended"]
    seconds = sorted(row["seconds"] for row in text if row.get("seconds") is not None)
    return {
        "with_text": len(text),
        "extended": len(extended),
        "share": round(len(extended) / max(1, len(text)), 4),
        "bit_equal": sum(row["old"] == row["copy"] == row["again"] == 0 for row in extended),
        "seconds_median": seconds[len(seconds) // 2] if seconds else None,
        "seconds_longest": seconds[-1] if seconds else None,
    }


def _listed(row: dict[str, Any]) -> dict[str, Any]:
    """What `vocabx bases --types` shows of a type."""
    left_out = {"seconds", "old", "copy", "again", "generates", "map"}
    measured = {"difference": max(row["old"], row["copy"], row["again"])} if "old" in row else {}
    kept = {key: value for key, value in row.items() if key not in left_out and value not in ([], "")}
    return {**kept, **measured, "map": row["map"]}


if __name__ == "__main__":
    run_script(main)
