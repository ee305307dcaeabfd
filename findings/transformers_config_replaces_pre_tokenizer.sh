#!/usr/bin/env bash
# transformers replaces the pre-tokenizer of a tokenizer.json because of the model type in config.json.
#
# Versions: transformers 5.24.0, tokenizers 0.23.3. Seen on 2026-11-29.
# Expected: "tokenizer_class": "TokenizersBackend" in tokenizer_config.json names the neutral class, which takes
#   tokenizer.json as it is. config.json describes the model, and the tokenizer is the same beside any.
# What happens: beside a config.json of the type qwen2 or qwen3_5 the stated class is ignored. That type's own class is
#   built, which takes vocabulary and merges from the file and replaces its pre-tokenizer, without a warning. With qwen3
#   or llama, or without config.json, the file is obeyed. A tokenizer tested in a folder of its own changes when the
#   model is put beside it.
#
# Output:
#> no config.json   TokenizersBackend  ['t', 'h', 'e']
#> llama            TokenizersBackend  ['t', 'h', 'e']
#> qwen2            Qwen2Tokenizer     ['the']
#> qwen3            TokenizersBackend  ['t', 'h', 'e']
#> qwen3_5          Qwen3_5Tokenizer   ['the']
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check install --quiet \
    --no-deps --no-compile --only-binary :all: \
    transformers==5.24.0 tokenizers==0.23.3 huggingface_hub==2.4.0 safetensors==0.8.0 numpy==2.4.6 \
    PyYAML==6.0.4 regex==2026.11.19 tqdm==4.70.1 filelock==4.3.1 fsspec==2026.9.0 httpx2==2.16.2 \
    httpcore2==2.16.2 h11==0.16.0 anyio==4.16.0 idna==3.20 \
    packaging==26.4 typing_extensions==4.16.0 truststore==0.10.5 click==8.5.1
HF_HUB_OFFLINE=1 "$folder/venv/bin/python" - "$folder" <<'END' | tee "$folder/seen"
import json
import sys
from pathlib import Path

from tokenizers import pre_tokenizers
from transformers import AutoTokenizer


def byte_level(merges):
    """A byte-level BPE as a tokenizer.json holds it: 256 bytes, then one token a merge."""
    vocab = {letter: number for number, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    for left, right in merges:
        vocab.setdefault(left + right, len(vocab))
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None,
        "pre_tokenizer": level, "post_processor": None, "decoder": level,
        "model": {
            "type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
            "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
            "vocab": vocab, "merges": [list(pair) for pair in merges],
        },
    }


folder = Path(sys.argv[1])
definition = byte_level([("h", "e"), ("t", "he")])
split = {"type": "Split", "pattern": {"Regex": "[a-z]"}, "behavior": "Isolated", "invert": False}
level = {**definition["pre_tokenizer"], "use_regex": False}
definition["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [split, level]}
(folder / "tokenizer.json").write_text(json.dumps(definition))
(folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "TokenizersBackend"}))
for model in (None, "llama", "qwen2", "qwen3", "qwen3_5"):
    if model:
        (folder / "config.json").write_text(json.dumps({"model_type": model}))
    tokenizer = AutoTokenizer.from_pretrained(folder)
    print(f"{model or 'no config.json':16} {type(tokenizer).__name__:18} {tokenizer.tokenize('the')}")
END
diff <(sed -n "s/^#> \{0,1\}//p" "$0") "$folder/seen" && exit 0
echo "no longer as stated above" >&2
exit 1
