"""The module names of a model, from the code of transformers and without weights."""

from dataclasses import dataclass
from pathlib import Path

from vocabx._util.extras import need
from vocabx._util.loading import build_auto, load_auto
from vocabx._util.quiet import quiet_transformers
from vocabx.checkpoint.configuration import read_config
from vocabx.checkpoint.objective import AUTO, objective_of


@dataclass(frozen=True)
class Outline:
    """The modules that a merge must distinguish, by name.

    Attributes:
        embedding, output: the input embeddings and the lm_head.
        bias: the parameter of the lm_head's bias, "" if it has none; encoders name it in two ways.
        transposed: linear layers whose weight is stored as (inputs, outputs), as in GPT-2.
        quantised: layers that QLoRA quantizes to 4 bits.
    """

    embedding: str
    output: str
    bias: str
    transposed: frozenset[str]
    quantised: frozenset[str]


def outline_of(directory: Path, quantised: bool) -> Outline:
    """Build the model of a checkpoint on the meta device, and list its modules.

    Args:
        directory: the checkpoint; only config.json is read.
        quantised: whether to list the layers that transformers would quantize to 4 bits.

    Raises:
        MissingPackageError: if torch, transformers or bitsandbytes is not installed.
    """
    torch = need("torch", "train")
    transposed = need("transformers.pytorch_utils", "train").Conv1D
    with quiet_transformers("train"), torch.device("meta"):
        config = load_auto("AutoConfig", directory, "train")
        model = build_auto(AUTO[objective_of(read_config(directory))], config, directory, "train")
        names = {id(module): name for name, module in model.named_modules()}
        output = model.get_output_embeddings()
        parameters = {id(parameter): name for name, parameter in model.named_parameters()}
        found = {
            "embedding": names[id(model.get_input_embeddings())],
            "output": names[id(output)],
            "bias": parameters.get(id(output.bias), ""),
            "transposed": frozenset(
                name for name, module in model.named_modules() if isinstance(module, transposed)
            ),
        }
        return Outline(**found, quantised=_quantised(model) if quantised else frozenset())


def _quantised(model: object) -> frozenset[str]:
    """The layers that transformers replaces with 4-bit ones; modifies the model."""
    layer = need("bitsandbytes", "train").nn.Linear4bit
    config = need("transformers", "train").BitsAndBytesConfig(load_in_4bit=True)
    quantizer = need("transformers.quantizers", "train").AutoHfQuantizer.from_config(
        config, pre_quantized=False
    )
    quantizer.preprocess_model(model=model, device_map=None)
    return frozenset(name for name, module in model.named_modules() if isinstance(module, layer))  # type: ignore[attr-defined]
