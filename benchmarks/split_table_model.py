"""One case of the benchmark of split tables, in the process that it is measured in.

Builds the model with random weights, wraps it as its variant trains it, and takes the steps.
"""

import gc
import math
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from split_table_case import SHAPES, Case

from vocabx._util.memory import peak_memory, reset_peak


def work(**settings: Any) -> dict[str, Any]:
    """One case, in this process; one that fails is a result, too."""
    import bitsandbytes
    import peft
    import torch
    import transformers

    case = Case(**settings)
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
    import torch
    from transformers import LlamaForCausalLM
    from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

    config = configuration(case)
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
            model.set_submodule(name, in_four_bits(module, noise(weight).cpu(), device))
        else:
            module.weight = torch.nn.Parameter(noise(weight), requires_grad=False)
    # What peft asks for before it wraps 4-bit layers.
    model.is_loaded_in_4bit = case.method == "qlora"
    return model.requires_grad_(False).train()


def configuration(case: Case) -> Any:
    """The configuration of the grown model."""
    import torch
    from transformers import LlamaConfig

    shape = SHAPES[case.shape]
    return LlamaConfig(
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


def in_four_bits(module: Any, weight: Any, device: str) -> Any:
    """A linear layer of the shape of `module`, quantized to NF4."""
    import bitsandbytes as bnb
    import torch

    linear = bnb.nn.Linear4bit(
        module.in_features,
        module.out_features,
        bias=False,
        compute_dtype=torch.bfloat16,
        compress_statistics=True,
        quant_type="nf4",
        device="meta",
    )
    linear.weight = bnb.nn.Params4bit(weight, requires_grad=False, quant_type="nf4", compress_statistics=True)
    linear.to(device)
    # As vocabx loads them: gradients are lost after the weights were packed anew.
    linear.support_avx512bf16_for_cpu = False
    return linear


def prepare(case: Case, model: Any) -> tuple[Any, Callable[[Any, Any], Any]]:
    """The model as its variant trains it, and what gives the mean loss of ids at positions."""
    import torch

    from vocabx.commands.train.loop import cast_by_autocast
    from vocabx.training.methods import Method, target_names, with_adapters
    from vocabx.training.model_loss import ModelLoss, find_abilities
    from vocabx.training.packed import IGNORED
    from vocabx.training.split_table import split_tables

    first = case.rows - case.new_tokens
    targets = target_names(model, False)
    torch.manual_seed(0)
    if case.variant == "split":
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
    if case.variant == "token-indices":
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
    if case.variant == "modules-to-save":
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
            first = {"first loss": loss.item(), "first gradient of new rows": gradient_norm(case, model)}
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
    """The most memory of the steps, in MB."""
    import torch

    if device == "cuda":
        return {
            "peak MB": round(torch.cuda.max_memory_allocated() / 1e6, 1),
            "peak reserved MB": round(torch.cuda.max_memory_reserved() / 1e6, 1),
        }
    return {"peak MB": round(((peak_memory() or imported) - imported) / 1e6, 1)}


def gradient_norm(case: Case, model: Any) -> float:
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
