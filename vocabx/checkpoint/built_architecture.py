"""The embedding matrices of any model that transformers can build, from its configuration alone.

The class is built without memory as the configuration says, and again with a longer vocabulary. What is
longer then has a row for each token: it is known by what the class calls its embeddings and by what it ties.
Names on disk follow from the renaming with which transformers loads and saves. Measured on every type of
transformers by benchmarks/architectures.py. Inferred, no source.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from vocabx.checkpoint.architectures import REFUSED, Architecture
from vocabx.checkpoint.meta_model import MetaModel, text_path
from vocabx.checkpoint.model_classes import Classes
from vocabx.checkpoint.size_settings import (
    PER_LAYER,
    cut_settings,
    size_settings,
    vocabulary_sizes,
    with_settings,
)
from vocabx.errors import BaseModelError

# By how much the vocabulary is longer: a multiple of the usual paddings.
_STEP = 128
_INPUT, _OUTPUT = "input", "output"
# The ends of the names of integers that are the experts of each token, as in DeepSeek V4. What other integers
# mean is not known: those of a drafter are an order of all ids.
_CHOICES = ("tid2eid",)
# The end of the names of factors by which n-grams of ids are hashed, as in Qwen4-exp.
_HASHING = "layer_multipliers"
# How the names of classes begin that normalize input embeddings, by reading their code. Those of BERT add
# positions first.
_NORMALIZING = (
    "Bloom", "Inkling", "MiniMaxFor", "ModernBert", "MuseGlimmer", "MuseSpark", "NanoChat", "NeoMME", "Rwkv",
)  # fmt: skip


@dataclass(frozen=True)
class Shapes:
    """The stored tensors of a model: shapes by name, None where only the name is known."""

    of: Mapping[str, tuple[int, ...] | None]

    def with_size(self, rows: int) -> list[str]:
        """The names of tensors of which a dimension is `rows`."""
        return [name for name, shape in self.of.items() if shape is not None and rows in shape]


@dataclass(frozen=True)
class _Roles:
    """The tensors of a model that follow the vocabulary, by their names in the model."""

    input: str
    output: str | None
    tied: bool
    biases: frozenset[str]
    inputs: frozenset[str]
    outputs: frozenset[str]
    lookups: frozenset[str] = frozenset()
    choices: frozenset[str] = frozenset()


def built_architecture(
    config: dict[str, Any], stored: Shapes, where: object, classes: Classes | None = None
) -> tuple[Architecture, tuple[str, ...]]:
    """Find the embedding matrices of a model by building its class.

    Takes a second or two for models of any size, most of it the import of transformers.

    Args:
        config: the content of config.json.
        stored: the stored tensors.
        where: the model, in messages.
        classes: where its classes come from; by default transformers.

    Returns:
        The architecture, with the stored names, and names of stored tensors of that size which the class does
        not have.

    Raises:
        BaseModelError: transformers cannot build the class, or a tensor or a setting follows the vocabulary
            in another way than by a row for each token.
    """
    kind = str(config.get("model_type", ""))
    if kind in REFUSED:
        raise _refusal(where, kind, REFUSED[kind])
    classes = classes or Classes()
    rows, default = _text_size(config, where, classes)
    settings = size_settings(config, rows, default)
    base = MetaModel(config, where, classes)
    if base.class_name in REFUSED:
        raise _refusal(where, kind, REFUSED[base.class_name])
    cuts = dict(cut_settings(base.config.to_dict()))
    longer = MetaModel(with_settings(config, (*settings, *cuts), rows + _STEP), where, classes)
    following = _following(base, longer)
    roles = _roles(base, following, where, kind)
    for reason in _obstacles(base, longer, roles, following, rows, stored):
        raise _refusal(where, kind, reason)
    for path, value in _other_sizes(config, settings, base, longer):
        sized = _following(base, MetaModel(with_settings(config, (path,), value + _STEP), where, classes))
        if path.endswith(PER_LAYER) and value < rows:
            # Ids that this matrix lacks get its first row; it becomes as long as the others.
            following = {**following, **sized}
            settings = (*settings, path)
        elif {*following, roles.input, roles.output} & sized.keys():
            raise _refusal(where, kind, f"sizes {sorted(sized)[0]} by {path} ({value}), too")
    lookups = {name for name in following if _is_lookup(base, name)} - roles.inputs - roles.outputs
    choices = frozenset(name for name in lookups if base.is_integer(name))
    roles = replace(roles, lookups=frozenset(lookups) - choices, choices=choices)
    found, others = _named(base, roles, following, rows, stored, settings)
    cut = min(cuts.values(), default=rows)
    hashes = min((name for name in stored.of if name.endswith(_HASHING)), default="")
    return replace(found, cuts=tuple(cuts), cut=cut if cut < rows else 0, hashes=hashes), others


def _text_size(config: dict[str, Any], where: object, classes: Classes) -> tuple[int, str]:
    """The size of the text vocabulary, and the setting that states it unless another does."""
    made = classes.configuration(config, where)
    path = text_path(made)
    rows = getattr(made.get_text_config(decoder=True), "vocab_size", None)
    if type(rows) is not int or rows < 1:
        raise BaseModelError(
            f"{where} is of the model type {config.get('model_type')!r}, whose settings state no vocabulary "
            "size: pass a language model"
        )
    return rows, f"{path}.vocab_size" if path else "vocab_size"


def _refusal(where: object, kind: str, reason: str) -> BaseModelError:
    return BaseModelError(
        f"{where} is of the model type {kind!r}, which {reason}: vocabx cannot extend it, pass a base of "
        "another type"
    )


def _following(base: MetaModel, longer: MetaModel) -> dict[str, tuple[tuple[int, ...], tuple[int, ...]]]:
    """The tensors whose shape depends on the vocabulary, with both shapes."""
    both = base.shapes.keys() & longer.shapes.keys()
    return {
        name: (base.shapes[name], longer.shapes[name])
        for name in base.shapes
        if name in both and base.shapes[name] != longer.shapes[name]
    }


def _roles(base: MetaModel, following: Mapping[str, Any], where: object, kind: str) -> _Roles:
    groups = base.groups()
    found_input, output = base.embedding(_INPUT), base.embedding(_OUTPUT)
    matrices = [name for name in following if not _is_vector(base.shapes[name])]
    if found_input is None:
        found_input = next((name for name in matrices if not base.is_linear(name)), None)
    if found_input is None or found_input not in following:
        raise _refusal(
            where, kind, f"has input embeddings that vocab_size does not size ({found_input or 'none'})"
        )
    inputs = groups.get(found_input, frozenset({found_input}))
    if output is not None and output not in following and output not in inputs:
        raise _refusal(where, kind, f"has a second vocabulary, of {output}")
    linear = {name for name in matrices if name not in inputs and base.is_linear(name)}
    output = output or min(linear, default=None)
    tied = output is None or output in inputs
    outputs = frozenset() if tied or output is None else groups.get(output, frozenset({output}))
    biases = frozenset(following) - frozenset(matrices)
    return _Roles(found_input, output, tied, biases, inputs, outputs | linear)


def _is_lookup(base: MetaModel, name: str) -> bool:
    return not _is_vector(base.shapes[name]) and not base.is_linear(name)


def _is_vector(shape: tuple[int, ...]) -> bool:
    return len(shape) == 1 or (len(shape) == 2 and 1 in shape)


def _obstacles(
    base: MetaModel,
    longer: MetaModel,
    roles: _Roles,
    following: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]],
    rows: int,
    stored: Shapes,
) -> Iterator[str]:
    """What follows the vocabulary in another way than by a row for each token."""
    for name, (shape, other) in following.items():
        if shape[0] != rows and other[0] - shape[0] == _STEP and len(shape) == 2 and shape[0] > 1:
            yield f"has {shape[0] - rows:+} rows in {name} that are no tokens of vocab_size"
        wanted = (1, rows) if shape[:-1] == (1,) else (rows, *shape[1:])
        longer_wanted = tuple(
            n + _STEP if n == rows and m != n else n for n, m in zip(shape, other, strict=True)
        )
        if shape != wanted or other != longer_wanted or len(shape) > 2:
            yield f"has a tensor {name} of the shape {shape} that does not follow vocab_size by rows"
        if base.is_integer(name) and not name.endswith(_CHOICES):
            yield f"has integers for each token in {name}"
    fills = None
    changed = longer.values()
    for name, values in base.values().items():
        if name in following or name not in changed or values.shape != changed[name].shape:
            continue
        if not bool((values == changed[name]).all()):
            fills = fills or {base.loader()(one) for one in stored.of}
            if name not in fills:
                yield f"computes {name} from vocab_size"


def _other_sizes(
    config: dict[str, Any], settings: tuple[str, ...], base: MetaModel, longer: MetaModel
) -> Iterator[tuple[str, int]]:
    """The other settings that may size a vocabulary, without those that the class derives from `settings`."""
    now = dict(vocabulary_sizes(longer.config.to_dict()))
    for path, value in {
        **dict(vocabulary_sizes(base.config.to_dict())),
        **dict(vocabulary_sizes(config)),
    }.items():
        if path not in settings and now.get(path, value) == value:
            yield path, value


def _named(
    base: MetaModel,
    roles: _Roles,
    following: Mapping[str, Any],
    rows: int,
    stored: Shapes,
    settings: tuple[str, ...],
) -> tuple[Architecture, tuple[str, ...]]:
    """The architecture, with the names by which the tensors are stored, or would be."""
    names = {roles.input, *following} | ({roles.output} if roles.output else set())
    saved = base.stored_as(names)
    ends = {_end(name) for name in (*names, *saved.values())}
    carry = base.loader()
    sized = set(stored.with_size(rows))
    fills = {
        name: carry(name)
        for name, shape in stored.of.items()
        if shape is None or name in sized or _end(name) in ends
    }
    known = {name for name, filled in fills.items() if filled in base.shapes}

    def stored_for(wanted: set[str] | frozenset[str]) -> tuple[str, ...]:
        return tuple(sorted(name for name in known if fills[name] in wanted))

    first = stored_for({roles.input}) or stored_for(roles.inputs - ({roles.output} if roles.tied else set()))
    head = stored_for({roles.output}) if roles.output else ()
    head = tuple(name for name in head or stored_for(roles.outputs)[:1] if name not in first[:1])
    inputs = stored_for(roles.inputs)
    return (
        Architecture(
            inputs=first[:1] or inputs[:1] or (saved[roles.input],),
            outputs=head or ((saved[roles.output],) if roles.output else ()),
            biases=stored_for(roles.biases),
            input_copies=tuple(name for name in inputs if name not in (*first[:1], *head)),
            output_copies=tuple(name for name in stored_for(roles.outputs) if name not in head),
            lookups=stored_for(roles.lookups),
            choices=stored_for(roles.choices),
            shared=tuple(sorted(n for n in roles.inputs - {roles.output} if base.is_linear(n))),
            prefix=f"{base.model.base_model_prefix}." if base.model.base_model_prefix else "",
            tied=roles.tied,
            says_tied=base.unties(),
            generates=base.is_in_map("CAUSAL_LM") or base.is_in_map("IMAGE_TEXT_TO_TEXT"),
            sees=base.is_in_map("IMAGE_TEXT_TO_TEXT") and not base.class_name.endswith("CausalLM"),
            counts_from_pad=base.counts_from_pad,
            sizes=settings,
            normalizes=base.descends_from(_NORMALIZING),
        ),
        tuple(sorted(name for name in sized if name not in known)),
    )


def _end(name: str) -> str:
    return ".".join(name.split(".")[-2:])
