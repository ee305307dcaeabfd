"""What a model was trained to predict: the next token, masked tokens, or the masked spans of a text."""

from collections.abc import Mapping
from typing import Any, Literal

from vocabx._util.extras import need
from vocabx.checkpoint.architectures import ARCHITECTURES

Objective = Literal["causal", "masked", "spans"]

# The auto class of transformers for each.
AUTO: dict[Objective, str] = {
    "causal": "AutoModelForCausalLM",
    "masked": "AutoModelForMaskedLM",
    "spans": "AutoModelForSeq2SeqLM",
}
# What models of each are measured in.
MEASURE: dict[Objective, str] = {
    "causal": "bits per byte",
    "masked": "masked bits per byte",
    "spans": "span bits per byte",
}
# Maps of transformers from model types to classes, in the order in which `meta_model` asks them.
_MAPS: dict[str, Objective] = {
    "CAUSAL_LM": "causal",
    "SEQ_TO_SEQ_CAUSAL_LM": "spans",
    "IMAGE_TEXT_TO_TEXT": "causal",
    "MASKED_LM": "masked",
}


def objective_of(config: Mapping[str, Any]) -> Objective:
    """What a model with this config.json predicts: "causal", "masked" (encoders) or "spans".

    "spans" are encoder-decoders. A type that no table or map knows counts as causal.

    Args:
        config: the content of config.json.
    """
    kind = str(config.get("model_type", ""))
    known = ARCHITECTURES.get(kind)
    if known is not None:
        if known.generates or config.get("is_decoder"):
            return "causal"
        return "spans" if config.get("is_encoder_decoder") else "masked"
    auto = need("transformers.models.auto.modeling_auto", "evaluate")
    maps = {name: getattr(auto, f"MODEL_FOR_{name}_MAPPING_NAMES", {}) for name in _MAPS}
    named = (config.get("architectures") or [""])[0]
    by_class = (_MAPS[name] for name, classes in maps.items() if named in classes.values())
    by_type = (_MAPS[name] for name, classes in maps.items() if kind in classes)
    return next(by_class, next(by_type, "causal"))
