"""The model class of a configuration, built without memory by transformers.

Tensors are on the meta device, apart from small ones, whose values are needed to see whether they are
computed from the size of the vocabulary.
"""

import copy
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from vocabx._util.loading import refusing
from vocabx._util.quiet import quiet_transformers
from vocabx.checkpoint.model_classes import EXTRA, Classes

# Tensors of more elements have no values.
_REAL = 1 << 14
_TIE = "tie_word_embeddings"


class MetaModel:
    """A model without weights.

    Attributes:
        model: the transformers.PreTrainedModel.
        shapes: the shapes of its state dictionary by name.
    """

    def __init__(self, config: dict[str, Any], where: object, classes: Classes | None = None) -> None:
        """Build the class of a configuration.

        Args:
            config: the content of config.json.
            where: the model, in messages.
            classes: where its classes come from; by default transformers.

        Raises:
            BaseModelError: the type or the class is unknown, or cannot be built.
        """
        self._raw, self._where, self._classes = config, where, classes or Classes()
        self.config = self._classes.configuration(config, where)
        made = self._classes.model(config, self.config, where)
        with refusing(where), quiet_transformers(EXTRA):
            self.model = _build(made, _part_for(made, self.config))
            self.shapes = {name: tuple(t.shape) for name, t in self.model.state_dict().items()}

    @property
    def class_name(self) -> str:
        """The name of the class."""
        return type(self.model).__name__

    def groups(self) -> dict[str, frozenset[str]]:
        """All names of each tensor, tied names together, by name."""
        together: dict[int, set[str]] = {}
        for part in (self.model.named_parameters, self.model.named_buffers):
            for name, tensor in part(remove_duplicate=False):
                together.setdefault(id(tensor), set()).add(name)
        found = {name: names for names in together.values() for name in names}
        # A tie that only loading makes.
        for one, other in (getattr(self.model, "all_tied_weights_keys", None) or {}).items():
            joined = found.get(one, {one}) | found.get(other, {other})
            found |= dict.fromkeys(joined, joined)
        return {name: frozenset(names) for name, names in found.items()}

    def embedding(self, which: str) -> str | None:
        """The name of the matrix of the "input" or "output" embeddings, None if the class has none."""
        try:
            module = getattr(self.model, f"get_{which}_embeddings")()
        except (NotImplementedError, AttributeError):
            return None
        if module is None:
            return None
        where = next((name for name, one in self.model.named_modules() if one is module), "")
        weight = getattr(module, "weight", None)
        if getattr(weight, "ndim", 0) == 2:
            return f"{where}.weight".removeprefix(".")
        # A parameter of its own, or a module around the matrix.
        own: dict[int, str] = {id(p): n for n, p in self.model.named_parameters(remove_duplicate=False)}
        if id(module) in own:
            return own[id(module)]
        matrices = [p for p in module.parameters() if p.dim() == 2]
        if not matrices:
            return None
        return own.get(id(max(matrices, key=lambda p: int(p.shape[0]))))

    def is_linear(self, name: str) -> bool:
        """Whether a tensor belongs to a linear layer; else it is looked up."""
        module = self.model.get_submodule(name.rpartition(".")[0])
        return "Linear" in type(module).__name__

    def is_integer(self, name: str) -> bool:
        """Whether a tensor has an integer dtype."""
        tensor = self.model.state_dict()[name]
        return not tensor.is_floating_point()

    def values(self) -> dict[str, Any]:
        """The buffers whose values are known."""
        return {name: b for name, b in self.model.named_buffers() if b.device.type != "meta"}

    def unties(self) -> bool:
        """Whether `tie_word_embeddings: false` unties the class: T5 means something else by it."""
        from transformers import PreTrainedModel

        output = self.embedding("output")
        if output is None:
            return True
        text = self._raw.get("text_config")
        inner = {"text_config": {**text, _TIE: False}} if isinstance(text, dict) else {}
        said = self._classes.configuration({**self._raw, **inner, _TIE: False}, self._where)
        if getattr(said, _TIE, False):
            return False
        changed = []
        for module in self.model.modules():
            if isinstance(module, PreTrainedModel) and getattr(module.config, _TIE, False):
                changed.append(module.config)
                setattr(module.config, _TIE, False)
        kept = self.model.get_expanded_tied_weights_keys(all_submodels=True)
        for config in changed:
            setattr(config, _TIE, True)
        return not ({*kept, *kept.values()} & self.groups().get(output, frozenset({output})))

    def stored_as(self, names: set[str]) -> dict[str, str]:
        """The names under which save_pretrained stores tensors, by their names in the model."""
        from transformers.core_model_loading import revert_weight_conversion

        state = self.model.state_dict()
        found = {}
        for name in sorted(names):
            stored = revert_weight_conversion(self.model, {name: state[name].detach().to("meta")})
            # A tensor that is stored in several parts has no one name.
            found[name] = next(iter(stored)) if len(stored) == 1 else name
        return found

    def loader(self) -> Callable[[str], str]:
        """How from_pretrained carries the name of a stored tensor to that of the tensor that it fills."""
        carry = self._carry()
        return lambda name: carry(name)[0]

    def renamed(self, stored: Mapping[str, tuple[int, ...]]) -> dict[str, str]:
        """The names of stored tensors that loading renames and leaves whole, by the names that they get.

        Args:
            stored: the shapes of the stored tensors.
        """
        carry = self._carry()
        found: dict[str, list[str]] = {}
        for name, shape in stored.items():
            filled, is_converted = carry(name)
            if not is_converted and self.shapes.get(filled) == shape:
                found.setdefault(filled, []).append(name)
        return {filled: names[0] for filled, names in found.items() if len(names) == 1}

    def _carry(self) -> Callable[[str], tuple[str, bool]]:
        """The name of the tensor that a stored one fills, and whether its content is converted."""
        from transformers.conversion_mapping import get_model_conversion_mapping
        from transformers.core_model_loading import WeightConverter, WeightRenaming, rename_source_key

        mapping = get_model_conversion_mapping(self.model)
        renamings = [one for one in mapping if isinstance(one, WeightRenaming)]
        converters = [one for one in mapping if isinstance(one, WeightConverter)]
        state = dict(self.model.state_dict())
        prefix = self.model.base_model_prefix

        def carry(name: str) -> tuple[str, bool]:
            filled, pattern = rename_source_key(name, renamings, converters, prefix, state)
            return str(filled), pattern is not None

        return carry

    @property
    def counts_from_pad(self) -> bool:
        """Whether it counts positions from the id of its pad token; see `Architecture`."""
        name = "create_position_ids_from_input_ids"
        source = sys.modules[type(self.model).__module__]
        return hasattr(source, name) or any(hasattr(module, name) for module in self.model.modules())

    def is_in_map(self, name: str) -> bool:
        """Whether the class is that of a map of transformers, such as "CAUSAL_LM"."""
        return self._classes.is_in_map(self.class_name, name)

    def descends_from(self, prefixes: tuple[str, ...]) -> bool:
        """Whether the name of the class, or of one that it inherits from, begins with one of `prefixes`."""
        return any(one.__name__.startswith(prefixes) for one in type(self.model).__mro__)


def text_path(config: Any) -> str:
    """Where the settings of the language model are in a configuration object: "" or such as "text_config"."""
    text = config.get_text_config(decoder=True)
    return "" if text is config else _path_to(config, text)


def _path_to(config: Any, wanted: Any) -> str:
    from transformers import PreTrainedConfig

    for key, value in vars(config).items():
        if value is wanted:
            return str(key)
        if isinstance(value, PreTrainedConfig) and (inner := _path_to(value, wanted)):
            return f"{key}.{inner}"
    return ""


def _part_for(made: Any, config: Any) -> Any:
    """The part of a configuration that a class takes."""
    wanted = getattr(made, "config_class", None)
    if wanted is None or isinstance(config, wanted):
        return config
    text = config.get_text_config(decoder=True)
    return text if isinstance(text, wanted) else config


def _build(made: Any, config: Any) -> Any:
    import torch

    with torch.random.fork_rng(devices=[]):
        try:
            with _small_real():
                model = made(copy.deepcopy(config))
            model.tie_weights(recompute_mapping=False)
            return model
        except Exception:  # Some classes compute with tensors of both devices.
            with torch.device("meta"):
                return made(copy.deepcopy(config))


@contextmanager
def _small_real() -> Iterator[None]:
    """Inside, factories make real tensors when these are small, and others on the meta device."""
    import torch
    from torch.overrides import TorchFunctionMode
    from transformers.initialization import no_init_weights

    factories = {
        torch.empty, torch.zeros, torch.ones, torch.rand, torch.randn, torch.full, torch.empty_strided,
        torch.randint,
    }  # fmt: skip

    class SmallReal(TorchFunctionMode):
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            kwargs = dict(kwargs or {})
            if func in factories and str(kwargs.get("device") or "") != "meta":
                shape = func(*args, **{**kwargs, "device": "meta"})
                if shape.numel() > _REAL:
                    return shape
            return func(*args, **kwargs)

    with no_init_weights(), SmallReal():
        yield
