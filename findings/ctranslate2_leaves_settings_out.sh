#!/usr/bin/env bash
# CTranslate2 converts a transformers model as if head_dim, the soft cap and five more settings were not in its config.
#
# Versions: ctranslate2 4.8.5, transformers 5.24.0, torch 2.13.0. Seen on 2026-11-30.
# Expected: TransformersConverter writes a model that gives the probabilities of the original, or raises
#   NotImplementedError, as it does for a type of RoPE scaling that it lacks.
# What happens: it does not look at these settings, and converts without a warning. In Llama it scales attention by
#   hidden_size / num_attention_heads where head_dim is another number, and has SiLU for any hidden_act. GPT-2 gets
#   CTranslate2's own epsilon. Gemma gets a rope_theta of 10000, since transformers 5 keeps it in rope_parameters, where
#   Llama's converter finds it. Gemma 2 loses query_pre_attn_scalar, the sliding window and the soft cap. The model
#   answers all the same, with other probabilities.
#
# Output:
#> llama   all defaults                 the same
#> llama   rope_theta=50.0              the same
#> llama   head_dim=16                  other probabilities
#> llama   hidden_act=gelu              other probabilities
#> gpt2    all defaults                 the same
#> gpt2    layer_norm_epsilon=0.5       other probabilities
#> gemma   head_dim=8                   the same
#> gemma   rope_theta=50.0              other probabilities
#> gemma2  none of the three            the same
#> gemma2  query_pre_attn_scalar=32     other probabilities
#> gemma2  sliding_window=3             other probabilities
#> gemma2  final_logit_softcapping=2.0  other probabilities
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
# PyTorch with what it requires, which differs from one build of it to the next; everything else as it stands here.
"$folder/venv/bin/python" -m pip --disable-pip-version-check install --quiet \
    --no-compile --only-binary :all: \
    torch==2.13.0 filelock==4.3.1 fsspec==2026.9.0 typing_extensions==4.16.0 jinja2==3.1.6 MarkupSafe==3.0.4 \
    networkx==3.6.1 setuptools==84.2.1 sympy==1.14.0 mpmath==1.3.0
"$folder/venv/bin/python" -m pip --disable-pip-version-check install --quiet \
    --no-deps --no-compile --only-binary :all: \
    ctranslate2==4.8.5 transformers==5.24.0 tokenizers==0.23.3 huggingface_hub==2.4.0 safetensors==0.8.0 \
    numpy==2.4.6 PyYAML==6.0.4 regex==2026.11.19 tqdm==4.70.1 httpx2==2.16.2 httpcore2==2.16.2 h11==0.16.0 \
    anyio==4.16.0 idna==3.20 packaging==26.4 truststore==0.10.5 click==8.5.1
HF_HUB_OFFLINE=1 OMP_NUM_THREADS=1 "$folder/venv/bin/python" - "$folder" <<'END' | tee "$folder/seen"
import string
import sys

import ctranslate2
import numpy
import torch
import transformers
from tokenizers import Tokenizer, models

transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()
NAMES = ["<s>", "</s>", "<unk>", *string.ascii_lowercase]
TEXT = "abcdefghijklmnop"
ALL = {"vocab_size": len(NAMES), "bos_token_id": 0, "eos_token_id": 1}
LLAMA = {
    **ALL, "hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 4,
}
GPT2 = {**ALL, "n_embd": 32, "n_layer": 2, "n_head": 4}
GEMMA = {**LLAMA, "head_dim": 8}
GEMMA2 = {**GEMMA, "query_pre_attn_scalar": 8, "attn_logit_softcapping": None, "final_logit_softcapping": None}
cases = (
    ("llama", LLAMA, "all defaults", {}),
    ("llama", LLAMA, "", {"rope_theta": 50.0}),
    ("llama", LLAMA, "", {"head_dim": 16}),
    ("llama", LLAMA, "", {"hidden_act": "gelu"}),
    ("gpt2", GPT2, "all defaults", {}),
    ("gpt2", GPT2, "", {"layer_norm_epsilon": 0.5}),
    ("gemma", GEMMA, "head_dim=8", {}),
    ("gemma", GEMMA, "", {"rope_theta": 50.0}),
    ("gemma2", GEMMA2, "none of the three", {}),
    ("gemma2", GEMMA2, "", {"query_pre_attn_scalar": 32}),
    ("gemma2", GEMMA2, "", {"sliding_window": 3}),
    ("gemma2", GEMMA2, "", {"final_logit_softcapping": 2.0}),
)
letters = Tokenizer(models.WordLevel({name: number for number, name in enumerate(NAMES)}, "<unk>"))
letters = transformers.PreTrainedTokenizerFast(
    tokenizer_object=letters, bos_token="<s>", eos_token="</s>", unk_token="<unk>"
)
for number, (kind, settings, name, changed) in enumerate(cases):
    torch.manual_seed(1)
    config = transformers.AutoConfig.for_model(kind, **{**settings, **changed})
    model = transformers.AutoModelForCausalLM.from_config(config).eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(8 if weight.dim() > 1 else 1)
        ids = torch.tensor([[NAMES.index(letter) for letter in TEXT]])
        expected = torch.log_softmax(model(ids).logits[0], -1).numpy()
    source, target = f"{sys.argv[1]}/source{number}", f"{sys.argv[1]}/target{number}"
    model.save_pretrained(source)
    letters.save_pretrained(source)
    ctranslate2.converters.TransformersConverter(source).convert(target)
    converted = ctranslate2.Generator(target, intra_threads=1)
    seen = numpy.array(converted.forward_batch([list(TEXT)], return_log_probs=True))[0]
    apart = numpy.abs(seen - expected).max()
    words = "the same" if apart < 0.01 else "other probabilities" if apart > 0.1 else f"{apart} apart"
    print(f"{kind:7} {name or '='.join(map(str, *changed.items())):28} {words}")
END
diff <(sed -n "s/^#> \{0,1\}//p" "$0") "$folder/seen" && exit 0
echo "no longer as stated above" >&2
exit 1
