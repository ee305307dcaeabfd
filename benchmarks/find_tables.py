"""What finding the embedding matrices costs at full size: a whole process, its imports included.

    python benchmarks/find_tables.py [--runs 3] [--types llama deepseek_v3 gemma4]

A checkpoint of each type, of the size of its default configuration (Llama of that of Llama 2 70B), is laid
out as files whose weights are a hole: config.json and the headers that transformers would write. A process of
its own then builds the class from them, as `vocabx extend` does for types that its table does not know.
Processor time and memory are those of the process from its start, imports included; importing torch and what
every model class of transformers needs is also run alone.
"""

import json
import math
import resource
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from common import Result, finish, machine, new_parser, peak_memory_mb, run_script, run_worker
from llama_shapes import SHAPES, configuration, write_empty

NAME = "find-tables"
TYPES = ("llama", "deepseek_v3", "deepseek_v4", "gemma4", "llama4", "qwen3_next", "t5")
# Tensors in a file.
_PER_FILE = 2_000


def main(arguments: Sequence[str] | None = None) -> Result:
    parser = new_parser(__doc__, runs=3)
    parser.add_argument("--types", nargs="+", metavar="TYPE", default=TYPES)
    options = parser.parse_args(arguments)
    rows = {}
    for kind in options.types:
        with tempfile.TemporaryDirectory() as directory:
            laid_out = run_worker(__file__, {"kind": kind, "lay_out": directory})
            runs = [run_worker(__file__, {"kind": kind, "find": directory}) for _ in range(options.runs)]
        rows[kind] = laid_out | {
            key: statistics.median(run[key] for run in runs)
            for key in ("processor_seconds", "seconds", "peak_mb")
        }
        rows[kind]["input"] = runs[0]["input"]
    imports = [run_worker(__file__, {"kind": ""}) for _ in range(options.runs)]
    return finish(
        options.out,
        NAME,
        {
            "machine": machine(),
            "runs": options.runs,
            "imports_processor_seconds": statistics.median(run["processor_seconds"] for run in imports),
            "longest_processor_seconds": max(row["processor_seconds"] for row in rows.values()),
            "highest_peak_mb": max(row["peak_mb"] for row in rows.values()),
            "types": rows,
        },
    )


def worker(kind: str, lay_out: str = "", find: str = "") -> Result:
    """Lay a checkpoint out, find its matrices, or only import what that needs."""
    if lay_out:
        return _laid_out(kind, Path(lay_out))
    start = time.perf_counter()
    import torch
    import transformers
    from transformers import modeling_utils  # noqa: F401

    found: Result = {"torch": torch.__version__, "transformers": transformers.__version__}
    if find:
        found = {"input": _found(Path(find))}
    used = resource.getrusage(resource.RUSAGE_SELF)
    return found | {
        "processor_seconds": round(used.ru_utime + used.ru_stime, 2),
        "seconds": round(time.perf_counter() - start, 2),
        "peak_mb": peak_memory_mb(),
    }


def _laid_out(kind: str, directory: Path) -> Result:
    """config.json and the headers of a type's default size; how many tensors and parameters they name."""
    config, shapes = _stored(kind)
    (directory / "config.json").write_text(json.dumps(config), encoding="utf-8")
    names = sorted(shapes)
    for number, first in enumerate(range(0, len(names), _PER_FILE)):
        part = {name: ("BF16", shapes[name]) for name in names[first : first + _PER_FILE]}
        write_empty(directory / f"model-{number:05d}.safetensors", part)
    sizes = [math.prod(shape) for shape in shapes.values()]
    return {"class": config["architectures"][0], "tensors": len(names), "parameters": sum(sizes)}


def _stored(kind: str) -> tuple[dict[str, Any], dict[str, tuple[int, ...]]]:
    """The configuration of a type, and the shapes of its tensors under the names that are stored."""
    from transformers.models.auto import modeling_auto
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    config = json.loads(CONFIG_MAPPING[kind]().to_json_string(use_diff=False))
    for which in ("CAUSAL_LM", "SEQ_TO_SEQ_CAUSAL_LM", "IMAGE_TEXT_TO_TEXT"):
        named = getattr(modeling_auto, f"MODEL_FOR_{which}_MAPPING_NAMES").get(kind)
        if named:
            config["architectures"] = [named if isinstance(named, str) else named[0]]
            break
    if kind == "llama":
        config = configuration(SHAPES["70B"])
    return config, stored_shapes(config)


def stored_shapes(config: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    """The shapes of the tensors that transformers stores of a configuration, by their stored names."""
    from transformers.core_model_loading import revert_weight_conversion

    from vocabx.checkpoint.meta_model import MetaModel

    model = MetaModel(config, "the layout").model
    state = {name: tensor.detach().to("meta") for name, tensor in model.state_dict().items()}
    tied = getattr(model, "all_tied_weights_keys", None) or {}
    stored = revert_weight_conversion(model, state)
    return {name: tuple(one.shape) for name, one in stored.items() if name not in tied}


def _found(directory: Path) -> str:
    """Build the class from the headers, and name its input embeddings."""
    from vocabx.checkpoint.built_architecture import Shapes, built_architecture
    from vocabx.checkpoint.safetensors_file import read_header

    config = json.loads((directory / "config.json").read_text(encoding="utf-8"))
    headers = [read_header(path) for path in sorted(directory.glob("*.safetensors"))]
    shapes = Shapes({name: one.shape for header in headers for name, one in header.tensors.items()})
    architecture, _ = built_architecture(config, shapes, directory)
    return architecture.inputs[0]


if __name__ == "__main__":
    run_script(main, worker)
