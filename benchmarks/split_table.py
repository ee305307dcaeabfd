"""Split tables and their loss against peft's ways to train new rows: memory and tokens a second.

    python benchmarks/split_table.py [--shape llama-7b --method qlora] [--runs 3]

Random weights of the shape of a Llama whose vocabulary grew, one batch of random ids, the same adapters on
all linear layers, AdamW, autocast to bfloat16. What differs is how the new rows train:

- "split": `split_tables` and `ModelLoss` of vocabx; old rows are frozen, new ones are in float32;
- "modules-to-save": peft's `modules_to_save`, copies of both tables, here in float32 as the trained rows of
  the other two are; so they are, too, after peft's own `prepare_model_for_kbit_training`;
- "modules-to-save-bf16": the same as peft leaves it without that: copies, gradients and moments in bfloat16;
- "token-indices": peft's `trainable_token_indices` for both tables.

Where tables are tied, peft is told to keep them so. That it is the same work is recorded with each: the loss
of the first step, and the length of the gradient of the new rows.

Every case runs in a process of its own, one after the other and in turn. "peak" is the most memory of its
steps: what torch allocated on a GPU; elsewhere what was resident beyond what was after the imports. "trained
bytes" are counted from the objects and are the same on every machine: the parameters of the tables, their
gradients and AdamW's moments. "frozen bytes" are what of the tables is kept beside them.

On a GPU it runs the shape of Llama 2 7B by QLoRA and that of Llama 3.2 1B by LoRA; elsewhere a small shape,
tied and untied. `--layers 1 --sequence 8 --batch 1 --steps 1` counts the bytes of a large shape where there
is no GPU; with fewer layers than the shape has, nothing else is kept.
"""

import argparse
import gc
import json
import math
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from common import machine

from vocabx._util.memory import peak_memory, reset_peak

RESULTS = Path(__file__).parent / "results" / "split-table.json"
CONTESTANTS = ("split", "modules-to-save", "modules-to-save-bf16", "token-indices")
# What depends on the machine.
VARYING = ("tokens/s", "peak MB", "peak reserved MB")
LIBRARIES = ("torch", "transformers", "peft", "bitsandbytes")
GOALS = (
    "at shapes of 1B to 7B, over modules-to-save: memory of trained tables at most 0.6, tokens/s at least 1.2"
)


@dataclass(frozen=True)
class Shape:
    """Sizes of a Llama before its vocabulary grew."""

    width: int
    layers: int
    inner: int
    heads: int
    key_heads: int
    vocabulary: int
    tied: bool


SHAPES = {
    "small": Shape(512, 4, 1536, 8, 4, 32_000, True),
    "smollm2-135m": Shape(576, 30, 1536, 9, 3, 49_152, True),
    "llama-1b": Shape(2048, 16, 8192, 32, 8, 128_256, True),
    "llama-3b": Shape(3072, 28, 8192, 24, 8, 128_256, True),
    "llama-7b": Shape(4096, 32, 11_008, 32, 32, 32_000, False),
}


@dataclass(frozen=True)
class Case:
    """One model to train in one way; `layers` may be fewer than the shape has."""

    shape: str
    method: str
    tied: bool
    layers: int
    new_tokens: int
    sequence: int
    batch: int
    steps: int
    rank: int
    checkpointing: bool
    threads: int
    contestant: str = ""

    @property
    def rows(self) -> int:
        """Height of the grown table."""
        return SHAPES[self.shape].vocabulary + self.new_tokens

    @property
    def whole(self) -> bool:
        """Whether it has all layers of its shape."""
        return self.layers == SHAPES[self.shape].layers

    @property
    def label(self) -> str:
        """What names the case among the results."""
        layers = "" if self.whole else f", {self.layers} of {SHAPES[self.shape].layers} layers"
        again = ", gradient checkpointing" if self.checkpointing else ""
        batch = f"{self.batch} x {self.sequence} tokens"
        tied = "tied" if self.tied else "untied"
        return f"{self.shape} {self.method}, {self.new_tokens:,} new tokens, {tied}{layers}, {batch}{again}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--shape", choices=SHAPES)
    parser.add_argument("--method", choices=("lora", "qlora"), default="lora")
    parser.add_argument("--tied", action=argparse.BooleanOptionalAction, help="default: as the shape is")
    parser.add_argument("--layers", type=int, help="fewer than the shape has")
    parser.add_argument("--new-tokens", type=int, help="default: 27,264; 8,000 for small")
    parser.add_argument("--sequence", type=int, help="default: 2,048; 256 for small")
    parser.add_argument("--batch", type=int, help="default: 4; 2 for small")
    parser.add_argument("--steps", type=int, help="timed, after one that is not; default: 10; 5 for small")
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument(
        "--gradient-checkpointing", action=argparse.BooleanOptionalAction, help="default: for 3B and 7B"
    )
    parser.add_argument("--threads", type=int, default=1, help="of a CPU; a busy one is faster with 1")
    parser.add_argument("--only", default=",".join(CONTESTANTS))
    parser.add_argument("--runs", type=int, default=1, help="of each case, in turn; medians are kept")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        print(json.dumps(work(Case(**json.loads(options.worker)))))
        return
    stored = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    results = stored.get("results", {})
    for case in cases(options):
        results[case.label] = compare(case, options.only.split(","), options.runs)
        # Cases take long: what is known is written down before the next.
        RESULTS.write_text(json.dumps(summary(results), indent=2) + "\n")
        print(json.dumps({case.label: results[case.label]}, indent=2))


def cases(options: argparse.Namespace) -> list[Case]:
    """What was asked for, or what this machine can bear."""
    if options.shape:
        shape = SHAPES[options.shape]
        both = options.shape == "small" and options.tied is None
        tied = (True, False) if both else (shape.tied if options.tied is None else options.tied,)
        return [case_of(options, options.shape, options.method, each) for each in tied]
    if device_name() == "cpu":
        return [case_of(options, "small", "lora", tied) for tied in (True, False)]
    return [case_of(options, "llama-7b", "qlora", False), case_of(options, "llama-1b", "lora", True)]


def case_of(options: argparse.Namespace, name: str, method: str, tied: bool) -> Case:
    small = name == "small"
    again = options.gradient_checkpointing
    return Case(
        shape=name,
        method=method,
        tied=tied,
        layers=options.layers or SHAPES[name].layers,
        new_tokens=options.new_tokens or (8_000 if small else 27_264),
        sequence=options.sequence or (256 if small else 2048),
        batch=options.batch or (2 if small else 4),
        steps=options.steps or (5 if small else 10),
        rank=options.rank,
        checkpointing=name in ("llama-3b", "llama-7b") if again is None else again,
        threads=options.threads,
    )


def device_name() -> str:
    """Asked of another process, so that this one takes nothing of a GPU."""
    code = "import torch; print(torch.cuda.get_device_name() if torch.cuda.is_available() else 'cpu')"
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return found.stdout.strip()


def compare(case: Case, contestants: list[str], runs: int) -> dict[str, Any]:
    """Each contestant in turn, and ours over each other."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in contestants}
    for _ in range(runs):
        for name in contestants:
            found[name].append(measured(replace(case, contestant=name)))
    figures = {name: median_of(each) for name, each in found.items()}
    if not case.whole:
        figures = {name: without(each, VARYING) for name, each in figures.items()}
    ours = figures.get("split", {})
    ratios = {
        name: over(ours, peer) for name, peer in figures.items() if name != "split" and "error" not in peer
    }
    settings = {name: value for name, value in asdict(case).items() if name != "contestant"}
    return {
        "device": device_name(),
        "machine": machine(),
        "versions": {name: version(name) for name in LIBRARIES},
        **settings,
        "runs": runs,
        "figures": figures,
        "split over": ratios if "error" not in ours else {},
    }


def without(figures: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in figures.items() if not name.startswith(names)}


def measured(case: Case) -> dict[str, Any]:
    """A case in a process of its own; one that fails is a result, too."""
    command = [sys.executable, __file__, "--worker", json.dumps(asdict(case))]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        return {"error": lines[-1] if lines else f"ended by signal {-done.returncode}"}
    return json.loads(done.stdout.splitlines()[-1])


def median_of(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Runs of one contestant as one: medians of what varies, and what each run had of tokens a second."""
    failed = [run for run in runs if "error" in run]
    if failed:
        return failed[0]
    speeds = [run["tokens/s"] for run in runs]
    medians = {name: statistics.median(run[name] for run in runs) for name in VARYING if name in runs[0]}
    return {**runs[0], **medians, "tokens/s of each run": speeds}


def over(ours: dict[str, Any], peer: dict[str, Any]) -> dict[str, float]:
    if not ours or "error" in ours:
        return {}
    names = (*VARYING, "trained bytes", "frozen bytes", "bytes of tables")
    ratios = {name: round(ours[name] / peer[name], 3) for name in names if name in ours}
    apart = abs(ours["first loss"] - peer["first loss"])
    slope = abs(ours["first gradient of new rows"] / peer["first gradient of new rows"] - 1)
    return {**ratios, "first losses apart": round(apart, 6), "first gradients apart": round(slope, 6)}


def summary(results: dict[str, Any]) -> dict[str, Any]:
    """All results, and what is known of the goals on a GPU."""
    on_gpu = {name: found for name, found in results.items() if found["device"] != "cpu"}
    whole = {
        name: found["split over"]["modules-to-save"]
        for name, found in on_gpu.items()
        if "modules-to-save" in found["split over"]
        and "tokens/s" in found["split over"]["modules-to-save"]
        and found["shape"].startswith("llama")
    }
    goals = {
        name: {
            "memory of trained tables at most 0.6": ratio["trained bytes"] <= 0.6,
            "tokens/s at least 1.2": ratio["tokens/s"] >= 1.2,
        }
        for name, ratio in whole.items()
    }
    return {
        "device": "cpu" if not on_gpu else next(iter(on_gpu.values()))["device"],
        "goals": GOALS,
        "goals on a GPU": goals or "not yet measured on a GPU",
        "results": results,
    }


def work(case: Case) -> dict[str, Any]:
    """One case, in this process."""
    import bitsandbytes
    import peft
    import torch
    import transformers

    # What a first import makes is no part of what is measured.
    assert bitsandbytes and peft and transformers
    warnings.filterwarnings("ignore")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.set_num_threads(case.threads)
    imported = resident()
    try:
        model = build(case, device)
        wrapped, loss_of = prepare(case, model)
        return train(case, wrapped, loss_of, device, imported)
    except Exception as error:
        # What a peer cannot do is part of the comparison.
        text = (str(error).strip().splitlines() or [""])[0][:300]
        return {"error": f"{type(error).__name__}: {text}"}


def resident() -> int:
    """Bytes of this process in memory; 0 where the system does not say."""
    status = Path("/proc/self/status")
    if not status.is_file():
        return 0
    return next(
        int(line.split()[1]) * 1024 for line in status.read_text().splitlines() if line.startswith("VmRSS")
    )


def build(case: Case, device: str) -> Any:
    """The model with random weights: made module by module, so that no more than one is there twice."""
    import bitsandbytes as bnb
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM
    from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

    shape = SHAPES[case.shape]
    config = LlamaConfig(
        vocab_size=case.rows,
        hidden_size=shape.width,
        intermediate_size=shape.inner,
        num_hidden_layers=case.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.key_heads,
        max_position_embeddings=4096,
        tie_word_embeddings=case.tied,
        bos_token_id=1,
        eos_token_id=2,
        use_cache=False,
        dtype=torch.bfloat16,
    )
    with torch.device("meta"):
        model = LlamaForCausalLM(config).to(torch.bfloat16)
    model.model.rotary_emb = LlamaRotaryEmbedding(config).to(device)
    generator = torch.Generator(device).manual_seed(0)

    def noise(weight: Any) -> Any:
        made = torch.empty(weight.shape, dtype=torch.bfloat16, device=device)
        return made.normal_(0.0, 0.02, generator=generator) if made.ndim > 1 else made.fill_(1.0)

    for name, module in list(model.named_modules()):
        weight = getattr(module, "weight", None)
        if not isinstance(weight, torch.nn.Parameter):
            continue
        if name == "lm_head" and case.tied:
            module.weight = model.model.embed_tokens.weight
        elif case.method == "qlora" and isinstance(module, torch.nn.Linear) and name != "lm_head":
            linear = bnb.nn.Linear4bit(
                module.in_features,
                module.out_features,
                bias=False,
                compute_dtype=torch.bfloat16,
                compress_statistics=True,
                quant_type="nf4",
                device="meta",
            )
            linear.weight = bnb.nn.Params4bit(
                noise(weight).cpu(), requires_grad=False, quant_type="nf4", compress_statistics=True
            )
            linear.to(device)
            # As vocabx loads them: gradients are lost after the weights were packed anew.
            linear.support_avx512bf16_for_cpu = False
            model.set_submodule(name, linear)
        else:
            module.weight = torch.nn.Parameter(noise(weight), requires_grad=False)
    # What peft asks for before it wraps 4-bit layers.
    model.is_loaded_in_4bit = case.method == "qlora"
    return model.requires_grad_(False).train()


def prepare(case: Case, model: Any) -> tuple[Any, Callable[[Any, Any], Any]]:
    """The model as its contestant trains it, and what gives the mean loss of ids at positions."""
    import torch

    from vocabx.commands.train.loop import cast_by_autocast
    from vocabx.training.methods import Method, target_names, with_adapters
    from vocabx.training.model_loss import ModelLoss, find_abilities
    from vocabx.training.packed import IGNORED
    from vocabx.training.split_table import split_tables

    first = case.rows - case.new_tokens
    targets = target_names(model, False)
    torch.manual_seed(0)
    if case.contestant == "split":
        split_tables(model, first)
        wrapped = with_adapters(model, Method(case.method, "bfloat16", case.rank, 2.0 * case.rank), targets)
        ours = ModelLoss(wrapped, find_abilities(wrapped))
        if not ours.abilities.plain:
            raise RuntimeError("the split loss would not be used: what is measured would not be ours")

        def loss_of(ids: Any, positions: Any) -> Any:
            labels = torch.nn.functional.pad(ids[:, 1:], (0, 1), value=IGNORED)
            return ours(ids, positions, labels)["loss"]
    else:
        wrapped = wrapped_by_peft(case, model, targets, first)

        def loss_of(ids: Any, positions: Any) -> Any:
            return wrapped(input_ids=ids, position_ids=positions, labels=ids, use_cache=False).loss

    # Not about tables, so all have it.
    cast_by_autocast(wrapped)
    if case.checkpointing:
        settings = {"use_reentrant": False}
        wrapped.get_base_model().gradient_checkpointing_enable(gradient_checkpointing_kwargs=settings)
    return wrapped.train(), loss_of


def wrapped_by_peft(case: Case, model: Any, targets: tuple[str, ...], first: int) -> Any:
    """The same adapters, and the tables in one of peft's ways."""
    import peft

    tables = ("embed_tokens", "lm_head")
    if case.contestant == "token-indices":
        new = list(range(first, case.rows))
        more: dict[str, Any] = {"trainable_token_indices": dict.fromkeys(tables, new)}
    else:
        more = {"modules_to_save": list(tables)}
    config = peft.LoraConfig(
        r=case.rank,
        lora_alpha=2 * case.rank,
        lora_dropout=0.0,
        target_modules=list(targets),
        task_type="CAUSAL_LM",
        bias="none",
        ensure_weight_tying=case.tied,
        **more,
    )
    wrapped = peft.get_peft_model(model, config)
    if case.contestant == "modules-to-save":
        for _, parameter in trained_tables(wrapped):
            parameter.data = parameter.data.float()
    return wrapped


def trained_tables(model: Any) -> list[tuple[str, Any]]:
    """What trains and is no adapter, once each."""
    return [
        (name, parameter)
        for name, parameter in model.named_parameters()
        if parameter.requires_grad and "lora_" not in name
    ]


def train(
    case: Case, model: Any, loss_of: Callable[[Any, Any], Any], device: str, imported: int
) -> dict[str, Any]:
    """The steps, timed; the first is not, and is where losses are compared and bytes are counted."""
    import torch

    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-4, weight_decay=0.0, fused=True)
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(0, case.rows, (case.batch, case.sequence), generator=generator).to(device)
    positions = torch.arange(case.sequence, device=device).expand(case.batch, -1)
    gc.collect()
    reset_peak()
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    seconds, first = [], {}
    for step in range(1 + case.steps):
        start = time.perf_counter()
        with torch.autocast(device, dtype=torch.bfloat16):
            loss = loss_of(ids, positions)
        loss.backward()
        if not step:
            first = {"first loss": loss.item(), "first gradient of new rows": slope_of(case, model)}
        optimizer.step()
        if not step:
            first |= bytes_of_tables(case, model, optimizer)
        optimizer.zero_grad()
        if device == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - start)
    tokens = case.batch * case.sequence
    found = {"tokens/s": round(tokens / statistics.median(seconds[1:]), 1), **peaks(device, imported)}
    return {**found, **first, "last loss": loss.item()}


def peaks(device: str, imported: int) -> dict[str, float]:
    import torch

    if device == "cuda":
        return {
            "peak MB": round(torch.cuda.max_memory_allocated() / 1e6, 1),
            "peak reserved MB": round(torch.cuda.max_memory_reserved() / 1e6, 1),
        }
    return {"peak MB": round(((peak_memory() or imported) - imported) / 1e6, 1)}


def slope_of(case: Case, model: Any) -> float:
    """Length of the gradient of the new rows of all tables."""
    squares = [
        parameter.grad[-case.new_tokens :].float().square().sum().item()
        for _, parameter in trained_tables(model)
    ]
    return math.sqrt(sum(squares))


def bytes_of_tables(case: Case, model: Any, optimizer: Any) -> dict[str, Any]:
    """What of the tables is in memory right after a step, counted from the objects that hold it."""
    import torch

    tables = trained_tables(model)
    parts = {"parameters": 0, "gradients": 0, "moments": 0}
    for _, parameter in tables:
        parts["parameters"] += parameter.nbytes
        parts["gradients"] += parameter.grad.nbytes
        parts["moments"] += sum(value.nbytes for value in optimizer.state[parameter].values() if value.ndim)
    # A view keeps the whole table alive, so storages are counted, each once.
    heights = (case.rows, case.new_tokens, case.rows - case.new_tokens)
    known = {parameter.untyped_storage().data_ptr() for _, parameter in tables}
    frozen: dict[int, int] = {}
    held: list[torch.Tensor] = [*model.parameters(), *model.buffers()]
    for tensor in held:
        place = tensor.untyped_storage().data_ptr()
        if tensor.ndim == 2 and tensor.shape[0] in heights and place not in known:
            frozen[place] = tensor.untyped_storage().nbytes()
    names = {str(parameter.dtype).removeprefix("torch.") for _, parameter in tables}
    return {
        "trained": parts,
        "trained in": ", ".join(sorted(names)),
        "trained bytes": sum(parts.values()),
        "frozen bytes": sum(frozen.values()),
        "bytes of tables": sum(parts.values()) + sum(frozen.values()),
    }


if __name__ == "__main__":
    main()
