"""Other programs that read a directory: what they make of extensions of nine bases, and of the bases.

    python benchmarks/runtimes.py --at FOLDER tokie=FOLDER transformers=PYTHON …
    python benchmarks/runtimes.py --table docs/runtimes.md      # writes the table of the last run into a page

Each base is a tiny random model of its type with the real tokenizer, SmolLM2 the real model; `vocabx extend`
adds tokens of Traditional Chinese, and each runtime reads both directories as `vocabx verify --runtimes all`
has them read. `--at` is its --runtimes-at.
"""

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bases import TOKENIZERS, base_directory
from common import Result, machine, new_parser, read_result, run_script, write_result

from vocabx import ExtendOptions, VerifyOptions, extend, verify
from vocabx.runtimes.reading import NOT_INSTALLED
from vocabx.runtimes.registry import RUNTIMES
from vocabx.tokenizer.read_tokenizer import read_tokenizer

NAME = "runtimes"
# The model type of each, and its rows where they are more than its tokens.
MODELS: dict[str, tuple[str, int]] = {
    "Llama 2": ("llama", 32_000),
    "Llama 3": ("llama", 128_256),
    "Qwen 2.5": ("qwen2", 151_936),
    "Gemma 2": ("gemma2", 256_000),
    "Mistral v1": ("mistral", 32_000),
    "GPT-2": ("gpt2", 50_257),
    "BERT": ("bert", 30_522),
    "T5": ("t5", 32_128),
}
BASES = (*MODELS, "SmolLM2")
_SMALL: dict[str, Any] = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "head_dim": 8,
}
_SHAPES: dict[str, dict[str, Any]] = {
    "gpt2": {"n_embd": 16, "n_layer": 1, "n_head": 2},
    "t5": {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 1, "num_decoder_layers": 1, "num_heads": 2},
}
START, END = "<!-- made by benchmarks/runtimes.py -->", "<!-- end -->"


def main(arguments: Sequence[str] | None = None) -> Result:
    parser = new_parser(__doc__, new_tokens=2000, strings=5000, seconds=300, adversarial=50)
    parser.add_argument("--bases", nargs="+", choices=BASES, default=BASES, metavar="BASE")
    parser.add_argument("--runtimes", default="all", help="names, comma-separated; default: all")
    parser.add_argument(
        "--at", nargs="*", default=[], metavar="PLACE", help="see `vocabx verify --runtimes-at`"
    )
    parser.add_argument("--corpus", nargs="*", default=[], metavar="PATH", help="default: the packaged text")
    parser.add_argument(
        "--base-text", nargs="*", default=[], metavar="PATH", help="default: the packaged text"
    )
    parser.add_argument("--table", type=Path, help="only write the table of the last run into this page")
    options = parser.parse_args(arguments)
    if options.table:
        result = read_result(options.out, NAME)
        write_table(options.table, result["bases"])
        return result
    # What was measured of other bases, and of other programs, stays.
    found: dict[str, Any] = read_result(options.out, NAME).get("bases", {})
    result = {}
    for name in options.bases:
        with tempfile.TemporaryDirectory(prefix="vocabx-runtimes-") as scratch:
            made = _rows(name, Path(scratch), options)
        found[name] = merged(found.get(name, []), made)
        result = {
            "machine": machine(),
            "new_tokens": options.new_tokens,
            "bases": {base: found[base] for base in BASES if base in found},
        }
        write_result(options.out, NAME, result)
        for row in found[name]:
            print(name, row["runtime"], row["version"], row["outcome"], row["ids"], row["base_ids"], sep="\t")
    return result


def merged(before: list[dict[str, Any]], made: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of a base, those just made in place of older ones of the same programs."""
    programs = {row["runtime"] for row in made}
    rows = [*made, *(row for row in before if row["runtime"] not in programs)]
    order = [runtime.name for runtime in RUNTIMES]
    return sorted(rows, key=lambda row: order.index(row["runtime"]))


def _rows(name: str, scratch: Path, options: Any) -> list[dict[str, Any]]:
    """The rows of a base, without the paths of where runtimes are."""
    base = base_directory("smollm2") if name == "SmolLM2" else tiny_base(name, scratch / "base")
    corpus, base_text = tuple(options.corpus), tuple(options.base_text)
    out = scratch / "extended"
    extend(
        ExtendOptions(
            base=str(base), lang="zh-Hant", out=out, new_tokens=options.new_tokens, evaluate=False,
            adversarial=options.adversarial, learn_bytes=1_000_000, heldout_bytes=10_000, corpus=corpus,
            base_text=base_text,
        )
    )  # fmt: skip
    checked = verify(
        VerifyOptions(
            directory=out, against=str(base), adversarial=options.adversarial, sample_bytes=400_000,
            runtimes=options.runtimes, runtimes_at=tuple(options.at), runtimes_strings=options.strings,
            runtimes_seconds=options.seconds, corpus=corpus, base_text=base_text,
        )
    )  # fmt: skip
    rows = [row.to_dict() for row in checked.runtimes if row.outcome != NOT_INSTALLED]
    return [{key: value for key, value in row.items() if key != "place"} for row in rows]


def tiny_base(name: str, directory: Path) -> Path:
    """A small random model of a base's type, with the base's own tokenizer files."""
    import torch
    from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, AutoModelForMaskedLM
    from transformers import AutoModelForSeq2SeqLM as Seq2Seq

    kind, rows = MODELS[name]
    heads: Mapping[str, Any] = {"bert": AutoModelForMaskedLM, "t5": Seq2Seq}
    torch.manual_seed(0)
    config = AutoConfig.for_model(kind, **_SHAPES.get(kind, _SMALL), vocab_size=rows)
    model: AutoModel = heads.get(kind, AutoModelForCausalLM).from_config(config)
    model.save_pretrained(directory)
    source = TOKENIZERS[name]
    if source.is_dir():
        for path in source.iterdir():
            shutil.copyfile(path, directory / path.name)
    elif source.suffix == ".json":
        shutil.copyfile(source, directory / "tokenizer.json")
    else:
        shutil.copyfile(source, directory / "tokenizer.model")
    assert read_tokenizer(directory).size <= rows
    return directory


def write_table(page: Path, bases: Mapping[str, list[dict[str, Any]]]) -> None:
    """Write the table into a page, between its two marks."""
    before, rest = page.read_text(encoding="utf-8").split(START)
    after = rest.split(END)[1]
    page.write_text(f"{before}{START}\n\n{table(bases)}\n\n{END}{after}", encoding="utf-8")


def table(bases: Mapping[str, list[dict[str, Any]]]) -> str:
    """Markdown: a row for each runtime and version, a column for each base."""
    cells: dict[tuple[str, str], dict[str, str]] = {}
    for base, rows in bases.items():
        for row in rows:
            cells.setdefault((row["runtime"], row["version"]), {})[base] = _cell(row)
    # Fewer of a program that takes special tokens for text.
    asked = {base: max((row.get("strings", 0) for row in rows), default=0) for base, rows in bases.items()}
    titles = [f"{base} ({strings:,} strings)" if strings else base for base, strings in asked.items()]
    lines = [f"| runtime | {' | '.join(titles)} |", f"|---{'|---' * len(bases)}|"]
    for (runtime, version), found in cells.items():
        lines.append(f"| {runtime} {version} | {' | '.join(found.get(base, '') for base in bases)} |")
    return "\n".join(lines)


def _cell(row: Mapping[str, Any]) -> str:
    """Strings that differ in the extension; of the base, where it is not read rightly either."""
    if row["outcome"] == "refused with the base":
        return "refuses both"
    if row["outcome"] == "REFUSED":
        return "**refused**"
    if row["outcome"] == "not compared":
        return "-"
    # Where a runtime does not encode, what it decodes.
    differ = row["decoded"] if row["ids"] is None else row["ids"]
    base = row["base_decoded"] if row["base_ids"] is None else row["base_ids"]
    mark = "**" if row["fails"] else ""
    if base is None:
        return f"{differ:,} (base refused)"
    # What was measured before it was counted has none.
    new = (row.get("new_decoded") if row["ids"] is None else row.get("new_ids")) if row["fails"] else 0
    besides = [f"base {base:,}"] * bool(base) + [f"{new or 0:,} new"] * bool(new and base)
    return f"{mark}{differ:,}{mark} ({', '.join(besides)})" if besides else f"{mark}{differ:,}{mark}"


if __name__ == "__main__":
    run_script(main)
