"""Loading a checkpoint to train with one of the methods: what is frozen, what trains, in which precision.

The methods differ only here.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from vocabx._util.extras import Packages, need
from vocabx._util.json_file import Count, Written
from vocabx._util.loading import load_auto
from vocabx._util.quiet import quiet_transformers
from vocabx.checkpoint.configuration import read_config
from vocabx.checkpoint.factorised import is_factorised
from vocabx.checkpoint.objective import AUTO, objective_of
from vocabx.evaluation.load_model import load_factorised

# Routers of mixture-of-experts layers select experts, and need no adapters for a new language.
ROUTERS = ("gate", "router")


Dtype = Literal["bfloat16", "float16", "float32"]


class Method(Written, frozen=True):
    """A method and its settings.

    Attributes:
        name: "qlora", "lora", "rows" or "full".
        dtype: name of the torch dtype of computation.
        rank, alpha, dropout: settings of the adapters.
        tables: whether input embeddings and lm_head get adapters, too, instead of training new rows.
    """

    name: Literal["qlora", "lora", "rows", "full"]
    dtype: Dtype
    rank: Count = 0
    alpha: float = 0.0
    dropout: float = 0.0
    tables: bool = False

    @property
    def adapts(self) -> bool:
        """Whether there are adapters."""
        return self.name in ("qlora", "lora")

    @property
    def splits(self) -> bool:
        """Whether old rows are frozen and new ones train."""
        return self.name != "full" and not self.tables

    @property
    def packages(self) -> Packages:
        """What loading and training a model by it needs."""
        names = ["torch", "transformers", "accelerate", "safetensors"]
        names += ["peft"] if self.adapts else []
        names += ["bitsandbytes"] if self.name == "qlora" else []
        return dict.fromkeys(names, "train")


@dataclass(frozen=True)
class Prepared:
    """A model ready to train.

    Attributes:
        model: the transformers model, inside a PeftModel if it has adapters; only trained parameters require
            gradients.
        split: its `Split`, None if all rows train or none do.
        targets: names of the modules with adapters.
    """

    model: Any
    split: Any
    targets: tuple[str, ...]


def prepare(directory: Path, method: Method, first: int, seed: int, device: str) -> Prepared:
    """Load a checkpoint, and freeze everything that the method does not train.

    Args:
        directory: the checkpoint.
        method: how to train it.
        first: the id of its first new row; of a factorized checkpoint, the rows of all tokens train.
        seed: seed of the initial values of the adapters.
        device: torch device, such as "cpu" or "cuda:0".

    Raises:
        MissingPackageError: if torch, transformers, peft or bitsandbytes is not installed.
    """
    from vocabx.training.factor_table import train_factors
    from vocabx.training.split_table import split_tables

    torch = need("torch", "train")
    with quiet_transformers("train"):
        model = load(directory, method, device)
    model.requires_grad_(method.name == "full")
    model.config.use_cache = False
    split = None
    if method.splits:
        factorised = is_factorised(model.config.to_dict())
        split = train_factors(model) if factorised else split_tables(model, first)
    targets: tuple[str, ...] = ()
    if method.adapts:
        targets = target_names(model, method.tables)
        torch.manual_seed(seed)
        model = with_adapters(model, method, targets)
    return Prepared(model, split, targets)


def load(directory: Path, method: Method, device: str) -> Any:
    """The model of a checkpoint in the precision that a method trains it in.

    "qlora" quantizes linear layers to NF4 with double quantization (QLoRA, arXiv 2305.14314); "full" holds
    weights in float32, whatever the dtype of computation; the others use the method's dtype.
    """
    torch, transformers = need("torch", "train"), need("transformers", "train")
    from vocabx._util.model_attention import use_causal_attention

    dtype = getattr(torch, method.dtype)
    settings: dict[str, Any] = {}
    if method.name == "qlora":
        need("bitsandbytes", "train")
        settings["quantization_config"] = transformers.BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=dtype,
        )
    settings |= {"dtype": torch.float32 if method.name == "full" else dtype, "device_map": {"": device}}
    config = read_config(directory)
    if is_factorised(config):
        model = load_factorised(directory, **settings)
    else:
        model = load_auto(AUTO[objective_of(config)], directory, "train", **settings)
    keep_gradients(model)
    use_causal_attention(model)
    return model


def keep_gradients(model: Any) -> None:
    """Let a model train after it was scored; to be called before its first forward pass."""
    for module in model.modules():
        # On these processors, a forward pass in eval mode repacks the weights, and gradients are lost from
        # then on.
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False


def target_names(model: Any, tables: bool) -> tuple[str, ...]:
    """Names of a model's linear layers except routers and lm_head; with `tables`, also the embeddings."""
    linear = (need("torch", "train").nn.Linear, need("transformers.pytorch_utils", "train").Conv1D)
    output, embedding = model.get_output_embeddings(), model.get_input_embeddings()
    names = [
        name
        for name, module in model.named_modules()
        if isinstance(module, linear) and module is not output and name.rpartition(".")[2] not in ROUTERS
    ]
    if tables:
        names += [name for name, module in model.named_modules() if module is output or module is embedding]
    return tuple(sorted(names))


def with_adapters(model: Any, method: Method, targets: tuple[str, ...]) -> Any:
    """A model inside a PeftModel, with float32 adapters on the given modules."""
    peft = need("peft", "train")
    config = peft.LoraConfig(
        r=method.rank,
        lora_alpha=method.alpha,
        lora_dropout=method.dropout,
        target_modules=list(targets),
        # Without a task, peft adds nothing of its own to what the model does.
        task_type="CAUSAL_LM" if objective_of(model.config.to_dict()) == "causal" else None,
        bias="none",
    )
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    with quiet_transformers("train"):
        wrapped = peft.get_peft_model(model, config)
    # peft freezes everything except its own adapters.
    for parameter in trained:
        parameter.requires_grad_(True)
    return wrapped
