"""A checkpoint as an extension will write it, without its weights: for the plans of the steps after it.

Its files have the sizes that they will have and hold nothing, which takes no disk space.
"""

import json
import math
import shutil
import struct
from pathlib import Path

from vocabx._util.version import VERSION
from vocabx.checkpoint.grow import write_grown_config
from vocabx.checkpoint.manifest import Manifest, RecordedBase, RecordedRun, Sizes, TokenRange, chain_of
from vocabx.checkpoint.safetensors_file import WIDTHS, SafetensorsFile
from vocabx.commands.extend.plan import Plan

# Weights, and what an extension writes anew.
_NOT_COPIED = (".safetensors", ".bin", ".gguf", ".html", ".md", ".py")
_ANEW = ("config.json", "vocabx.json", "report.json", "training.json")
_LARGEST = 200_000_000


def write_skeleton(plan: Plan, directory: Path) -> None:
    """Write the skeleton of an extension; an lm_head that --untie would add is left out.

    Args:
        plan: of the extension.
        directory: does not exist.
    """
    directory.mkdir()
    checkpoint = plan.checkpoint
    for path in plan.base.directory.iterdir():
        wanted = path.is_file() and path.suffix not in _NOT_COPIED and path.name not in _ANEW
        if wanted and path.stat().st_size < _LARGEST:
            shutil.copyfile(path, directory / path.name)
    grown = {table.name: table.shape_with(plan.rows) for table in checkpoint.tables}
    for file in checkpoint.files:
        _write_header(file, grown, directory / file.path.name)
    write_grown_config(checkpoint, plan.rows, checkpoint.tied, directory)
    Manifest(
        version=VERSION,
        base=RecordedBase(plan.base.name, plan.base.origin, plan.tokenizer.tokens_end, checkpoint.input.rows),
        sizes=Sizes(plan.new_ids.stop, plan.new_tokens, plan.rows, plan.pad_rows),
        tied=checkpoint.tied,
        ranges=(TokenRange(plan.first_id, plan.new_tokens, "learned"),),
        origin={},
        language=plan.language.tag,
        initializer=None,
        certificate=(),
        tables={},
        files={},
        run=RecordedRun("", {}, {}),
        shards={},
        training=None,
        chain=chain_of(plan.base.directory),
    ).write(directory)


def _write_header(file: SafetensorsFile, grown: dict[str, tuple[int, ...]], path: Path) -> None:
    header: dict[str, object] = {"__metadata__": file.metadata} if file.metadata else {}
    end = 0
    for name, entry in file.tensors.items():
        shape = grown.get(name, entry.shape)
        size = math.prod(shape) * WIDTHS[entry.dtype] if name in grown else entry.end - entry.begin
        header[name] = {"dtype": entry.dtype, "shape": list(shape), "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    with path.open("wb") as stream:
        stream.write(struct.pack("<Q", len(text)) + text)
        stream.truncate(8 + len(text) + end)
