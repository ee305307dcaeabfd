#!/usr/bin/env bash
# openvino-tokenizers leaves ignore_merges and max_input_chars_per_word out, and reads a String as a regular expression.
#
# Versions: openvino-tokenizers 2026.4.1.0, openvino 2026.4.1, transformers 5.24.0, tokenizers 0.23.3.
#   Seen on 2026-11-30.
# Expected: convert_tokenizer makes a model that returns the ids of the tokenizer, or an error is raised, as for the
#   pre-tokenizer Punctuation.
# What happens: the ids are others, without a warning. With "ignore_merges", as in Llama 3's file, a piece that is a token
#   stays whole; here the merges take it apart. A Split at the String "." splits at every character. A WordPiece word
#   above max_input_chars_per_word is spelled out where it should be unknown. With "fuse_unk" neighbouring unknown
#   letters are one token; here each of their bytes is one.
#
# Output:
#> ignore_merges     'the'        tokenizers the                  openvino t he
#> Split at a String 'he.he'      tokenizers he . he              openvino h e . h e
#> max_input_chars   'aaaa aaaaa' tokenizers a ##a ##a ##a [UNK]  openvino a ##a ##a ##a a ##a ##a ##a ##a
#> fuse_unk          'abéèab'     tokenizers ab <unk> ab          openvino ab <unk> <unk> <unk> <unk> ab
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check install --quiet \
    --no-deps --no-compile --only-binary :all: \
    openvino-tokenizers==2026.4.1.0 openvino==2026.4.1 openvino-telemetry==2025.2.0 \
    transformers==5.24.0 tokenizers==0.23.3 huggingface_hub==2.4.0 safetensors==0.8.0 numpy==2.4.6 \
    PyYAML==6.0.4 regex==2026.11.19 tqdm==4.70.1 filelock==4.3.1 fsspec==2026.9.0 httpx2==2.16.2 \
    httpcore2==2.16.2 h11==0.16.0 anyio==4.16.0 idna==3.20 \
    packaging==26.4 typing_extensions==4.16.0 truststore==0.10.5 click==8.5.1
HF_HUB_OFFLINE=1 "$folder/venv/bin/python" - "$folder" <<'END' | tee "$folder/seen"
import json
import sys
from pathlib import Path

import openvino
from openvino_tokenizers import convert_tokenizer
from tokenizers import Tokenizer, pre_tokenizers
from transformers import PreTrainedTokenizerFast


def definition(model, pre_tokenizer):
    """A tokenizer.json of this model with one special token, the first of the vocabulary."""
    special = {
        "id": 0, "content": next(iter(model["vocab"])), "single_word": False, "lstrip": False, "rstrip": False,
        "normalized": False, "special": True,
    }
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [special], "normalizer": None,
        "pre_tokenizer": pre_tokenizer, "post_processor": None, "decoder": None, "model": model,
    }


def bpe(names, merges, **settings):
    """A BPE with these letters, and a token a merge."""
    names = ["<unk>", *names, *dict.fromkeys(left + right for left, right in merges)]
    return {
        "type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
        "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
        "vocab": {name: number for number, name in enumerate(names)}, "merges": [list(pair) for pair in merges],
        **settings,
    }


BYTES = sorted(pre_tokenizers.ByteLevel.alphabet())
LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
POINT = {"type": "Split", "pattern": {"String": "."}, "behavior": "Isolated", "invert": False}
MERGES = [("h", "e"), ("t", "h"), ("th", "e")]
WORDS = {
    "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 4,
    "vocab": {name: number for number, name in enumerate(["[UNK]", "a", "##a"])},
}
cases = (
    ("ignore_merges", definition(bpe(BYTES, MERGES, ignore_merges=True), LEVEL), "the"),
    ("Split at a String", definition(bpe(BYTES, [("h", "e")]), {
        "type": "Sequence", "pretokenizers": [POINT, {**LEVEL, "use_regex": False}]}), "he.he"),
    ("max_input_chars", definition(WORDS, {"type": "BertPreTokenizer"}), "aaaa aaaaa"),
    ("fuse_unk", definition(bpe("ab", [("a", "b")], unk_token="<unk>", fuse_unk=True), None), "abéèab"),
)
file = Path(sys.argv[1]) / "tokenizer.json"
for name, content, text in cases:
    file.write_text(json.dumps(content))
    reference = Tokenizer.from_file(str(file))
    reader = openvino.compile_model(convert_tokenizer(PreTrainedTokenizerFast(tokenizer_file=str(file))), "CPU")
    read = [reference.id_to_token(int(number)) for number in reader([text])["input_ids"][0]]
    print(f"{name:17} {text!r:12} tokenizers {' '.join(reference.encode(text).tokens):20} openvino {' '.join(read)}")
END
diff <(sed -n "s/^#> \{0,1\}//p" "$0") "$folder/seen" && exit 0
echo "no longer as stated above" >&2
exit 1
