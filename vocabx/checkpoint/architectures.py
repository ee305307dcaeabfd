"""The tensor names of the embedding matrices of each model type, in transformers 4 and 5.

Pure data, used by `tables`; every entry is tested against a model of that type.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Architecture:
    """The tensor names of the embedding matrices of one model type.

    A "*" in a name stands for a number. A name is also found without its `prefix`, which is missing in models
    saved without their head.

    Attributes:
        inputs: names of the input embeddings; the first that is stored counts.
        outputs: names of the lm_head; the first that is stored counts.
        biases: names of the bias of the lm_head; a file may hold several.
        input_copies: names under which the input embeddings may be stored again.
        output_copies: names under which the lm_head may be stored again.
        lookups: names of further matrices that are looked up by token id, as the per-layer embeddings of
            Gemma 3n; one that is shorter gives later ids its first row.
        choices: names of tables of integers with a choice for each token id, as its experts in DeepSeek V4.
        shared: further linear layers that share the matrix of tied input embeddings.
        prefix: the part of the names that is missing without the head.
        tied: whether the matrices are tied by default.
        says_tied: whether `tie_word_embeddings` is meaningful; else what is stored decides.
        generates: whether the model predicts the next token of its input.
        sees: whether the model is multimodal, which transformers loads with another auto class.
        counts_from_pad: whether it counts positions from the id of its pad token
            (`create_position_ids_from_input_ids` in transformers).
        sizes: of an architecture found by building the class, the settings that state the vocabulary size;
            its names are those of one checkpoint, and `tied` is what the class does for its configuration.
        cuts: the settings that cut off logits from an id on, which are to be the number of rows, too.
        cut: the id from which on they are cut off, 0 for none.
        normalizes: whether it normalizes input embeddings before anything else is added to them, so that only
            their direction matters.
        hashes: the stored tensor by which it hashes ids of n-grams, "" if it does not.
        own_code: of an architecture that code of the model told, the name and sha256 of each file of code.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...] = ("lm_head.weight",)
    biases: tuple[str, ...] = ()
    input_copies: tuple[str, ...] = ()
    output_copies: tuple[str, ...] = ()
    lookups: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    prefix: str = "model."
    tied: bool = False
    says_tied: bool = True
    generates: bool = True
    sees: bool = False
    counts_from_pad: bool = False
    sizes: tuple[str, ...] = ()
    cuts: tuple[str, ...] = ()
    cut: int = 0
    normalizes: bool = False
    hashes: str = ""
    own_code: tuple[tuple[str, str], ...] = ()

    @property
    def built(self) -> bool:
        """Whether it was found by building the class."""
        return bool(self.sizes)

    @property
    def names(self) -> tuple[str, ...]:
        """All names of embedding matrices and biases."""
        copies = (*self.input_copies, *self.output_copies)
        return (*self.inputs, *self.outputs, *self.biases, *copies, *self.lookups, *self.choices)


def _same(kinds: str, architecture: Architecture) -> dict[str, Architecture]:
    return dict.fromkeys(kinds.split(), architecture)


_LLAMA = Architecture(("model.embed_tokens.weight",), biases=("lm_head.bias",))
# Extra layers that predict further tokens hold both matrices again, such as layer 61 of DeepSeek V3.
_FURTHER_TOKENS = replace(
    _LLAMA,
    input_copies=("model.layers.*.embed_tokens.weight",),
    output_copies=("model.layers.*.shared_head.head.weight",),
)
_GPT2 = Architecture(("transformer.wte.weight",), biases=("lm_head.bias",), prefix="transformer.", tied=True)
_BLOOM = replace(_GPT2, inputs=("transformer.word_embeddings.weight",))
# The language model of a multimodal model: names before transformers 4.52, since then, and in Qwen.
_SEEING = Architecture(
    (
        "language_model.model.embed_tokens.weight",
        "model.language_model.embed_tokens.weight",
        "model.embed_tokens.weight",
    ),
    ("lm_head.weight", "language_model.lm_head.weight"),
    sees=True,
)
_IDEFICS = Architecture(("model.text_model.embed_tokens.weight",), sees=True)
_BERT = Architecture(
    ("bert.embeddings.word_embeddings.weight",),
    ("cls.predictions.decoder.weight",),
    ("cls.predictions.bias", "cls.predictions.decoder.bias"),
    prefix="bert.",
    tied=True,
    generates=False,
)
_ROBERTA = Architecture(
    ("roberta.embeddings.word_embeddings.weight",),
    ("lm_head.decoder.weight",),
    ("lm_head.bias", "lm_head.decoder.bias"),
    prefix="roberta.",
    tied=True,
    generates=False,
    counts_from_pad=True,
)
# Its tie_word_embeddings controls the scaling of the decoder's last states, and transformers 5 rewrites it.
_T5 = Architecture(
    ("shared.weight", "encoder.embed_tokens.weight", "decoder.embed_tokens.weight"),
    input_copies=("encoder.embed_tokens.weight", "decoder.embed_tokens.weight"),
    prefix="",
    tied=True,
    says_tied=False,
    generates=False,
)
_M2M = replace(
    _T5,
    inputs=("model.shared.weight", "model.encoder.embed_tokens.weight", "model.decoder.embed_tokens.weight"),
    input_copies=("model.encoder.embed_tokens.weight", "model.decoder.embed_tokens.weight"),
    prefix="model.",
    says_tied=True,
    counts_from_pad=True,
)

# By the model_type of config.json.
ARCHITECTURES: dict[str, Architecture] = {
    **_same(
        "llama mistral ministral mixtral qwen2 qwen2_moe qwen3 qwen3_moe phi phi3 phimoe stablelm granite "
        "granitemoe granitemoeshared olmo olmo2 olmo3 olmoe glm glm4 deepseek_v2 nemotron exaone4 apertus "
        "arcee seed_oss hunyuan_v1_dense helium persimmon gpt_oss",
        _LLAMA,
    ),
    **_same(
        "gemma gemma2 gemma3_text smollm3 starcoder2 cohere cohere2 ernie4_5 xglm",
        replace(_LLAMA, tied=True),
    ),
    **_same("deepseek_v3 glm4_moe", _FURTHER_TOKENS),
    "opt": replace(_LLAMA, inputs=("model.decoder.embed_tokens.weight",), tied=True),
    **_same("gpt2 gpt_neo gpt_bigcode mpt", _GPT2),
    **_same("gptj codegen", replace(_GPT2, tied=False)),
    "falcon": _BLOOM,
    "bloom": replace(_BLOOM, normalizes=True),
    "gpt_neox": Architecture(
        ("gpt_neox.embed_in.weight",),
        ("embed_out.weight", "lm_head.weight"),
        ("embed_out.bias",),
        prefix="gpt_neox.",
    ),
    **_same(
        "llava llava_next llava_next_video llava_onevision vipllava video_llava qwen2_vl qwen2_5_vl qwen3_vl "
        "qwen3_vl_moe glm4v",
        _SEEING,
    ),
    **_same("gemma3 paligemma mistral3 internvl aya_vision cohere2_vision", replace(_SEEING, tied=True)),
    **_same("idefics2 idefics3 smolvlm", _IDEFICS),
    "bert": _BERT,
    **_same("roberta xlm-roberta camembert", _ROBERTA),
    "distilbert": replace(
        _BERT,
        inputs=("distilbert.embeddings.word_embeddings.weight",),
        outputs=("vocab_projector.weight",),
        biases=("vocab_projector.bias",),
        prefix="distilbert.",
    ),
    "electra": replace(
        _BERT,
        inputs=("electra.embeddings.word_embeddings.weight",),
        outputs=("generator_lm_head.weight",),
        biases=("generator_lm_head.bias",),
        prefix="electra.",
    ),
    "albert": replace(
        _BERT,
        inputs=("albert.embeddings.word_embeddings.weight",),
        outputs=("predictions.decoder.weight",),
        biases=("predictions.bias", "predictions.decoder.bias"),
        prefix="albert.",
    ),
    "modernbert": replace(
        _BERT,
        inputs=("model.embeddings.tok_embeddings.weight",),
        outputs=("decoder.weight",),
        biases=("decoder.bias",),
        prefix="model.",
        normalizes=True,
    ),
    **_same("t5 mt5 umt5", _T5),
    "m2m_100": _M2M,
}

# Model types and classes whose ids mean something that no shape tells, and what.
REFUSED = {
    **dict.fromkeys(
        ("WhisperForConditionalGeneration", "WhisperForCausalLM"),
        "takes every id behind its timestamps for a timestamp",
    ),
    "diffusion_gemma": "draws its canvas from all ids",
    **dict.fromkeys(
        ("gemma4_assistant", "gemma4_unified_assistant"), "drafts for another model and shares its ids"
    ),
    "fsmt": "has a vocabulary for each of its two languages",
    "encoder-decoder": "has a vocabulary for each of its two models",
}


def stored_names(names: Iterable[str], prefix: str, stored: Collection[str]) -> list[str]:
    """The tensors of `stored` that match `names`, in the order of `names`, without duplicates.

    Args:
        names: names of an `Architecture`.
        prefix: the part that may be missing in the stored names.
        stored: the names of all tensors.
    """
    found: dict[str, None] = {}
    for name in names:
        for form in (name, name.removeprefix(prefix)):
            if "*" in form:
                pattern = re.compile(re.escape(form).replace(r"\*", r"\d+"))
                found |= dict.fromkeys(sorted(other for other in stored if pattern.fullmatch(other)))
            elif form in stored:
                found[form] = None
    return list(found)
