"""The classes of transformers that a configuration names: that of its settings, and that of the model."""

from typing import Any

from vocabx._util.extras import need
from vocabx._util.loading import refusing
from vocabx._util.quiet import quiet_transformers
from vocabx.errors import BaseModelError

# The extra of vocabx that installs transformers.
EXTRA = "evaluate"
# By which map of transformers a class is chosen that the configuration does not name, in this order.
MAPS = ("CAUSAL_LM", "SEQ_TO_SEQ_CAUSAL_LM", "IMAGE_TEXT_TO_TEXT", "MASKED_LM")


class OwnCodeError(BaseModelError):
    """Only code that comes with the model can build it."""


class Classes:
    """The classes of the installed transformers."""

    def configuration(self, config: dict[str, Any], where: object) -> Any:
        """The configuration object for the content of a config.json.

        Args:
            config: the content.
            where: the model, in messages.

        Raises:
            OwnCodeError: the type needs code of its own.
            BaseModelError: the type is unknown, or transformers cannot read it.
        """
        need("torch", EXTRA)
        version = need("transformers", EXTRA).__version__
        from transformers.models.auto.configuration_auto import CONFIG_MAPPING

        kind = str(config.get("model_type") or "")
        if kind not in CONFIG_MAPPING:
            if config.get("auto_map"):
                raise _own_code(where)
            raise BaseModelError(
                f"{where} is of the model type {kind!r}, which transformers {version} does not know: install "
                "a version that does, or pass a base of another type"
            )
        with refusing(where), quiet_transformers(EXTRA):
            return CONFIG_MAPPING[kind].from_dict(with_floats(config))

    def model(self, config: dict[str, Any], made: Any, where: object) -> Any:
        """The class of the model.

        Args:
            config: the content of config.json.
            made: the configuration object.
            where: the model, in messages.

        Raises:
            OwnCodeError: the class needs code of its own.
            BaseModelError: there is no such class.
        """
        import transformers

        named = config.get("architectures")
        name = str(named[0]) if isinstance(named, list) and named else ""
        # Its module may need a package that is missing.
        with refusing(where):
            found = getattr(transformers, name, None) if name.isidentifier() else None
        if found is not None and issubclass(found, transformers.PreTrainedModel):
            return found
        if config.get("auto_map"):
            raise _own_code(where)
        for one in MAPS:
            if made.model_type in _classes(one):
                with refusing(where):
                    return getattr(transformers, _classes(one)[made.model_type])
        raise BaseModelError(
            f"{where} names the class {name!r}, and transformers {transformers.__version__} has no language "
            f"model of the type {made.model_type!r}: pass a language model"
        )

    def is_in_map(self, name: str, which: str) -> bool:
        """Whether a class of that name is in a map of transformers, such as "CAUSAL_LM"."""
        return name in _classes(which).values()


def with_floats(value: Any) -> Any:
    """A copy of settings with the infinities that transformers writes as {"__float__": "Infinity"}."""
    if isinstance(value, dict):
        if value.keys() == {"__float__"}:
            return float(value["__float__"])
        return {key: with_floats(one) for key, one in value.items()}
    return [with_floats(one) for one in value] if isinstance(value, list) else value


def _own_code(where: object) -> OwnCodeError:
    return OwnCodeError(
        f"{where} can only be built by code of its own (auto_map), which vocabx extend and transfer run with "
        "--trust-remote-code: pass it if you trust that code, or pass a base of a type that transformers has"
    )


def _classes(name: str) -> dict[str, str]:
    """A map of transformers: class name by model type."""
    from transformers.models.auto import modeling_auto

    found = getattr(modeling_auto, f"MODEL_FOR_{name}_MAPPING_NAMES", {})
    return {kind: one if isinstance(one, str) else one[0] for kind, one in found.items()}
