#!/usr/bin/env bash
# Three readers return a token that the merges of the tokenizer.json never make.
#
# Versions: kitoken 0.11.1, splintr-rs 0.22.0, onnxruntime-extensions 0.15.2, gigatoken 0.10.0, tokenizers 0.23.3.
#   Seen on 2026-11-29.
# Expected: merges are applied in the order of the list. Here ("h", "e") comes before ("t", "h"): "the" is "t", "he",
#   and ("th", "e") never finds a "th". The vocabulary has "the", but "ignore_merges" is false, as in most files.
# What happens: tokenizers and gigatoken return "t", "he". The other three return "the", as if "ignore_merges" were
#   true: a token that training text never produced, so that its embedding is untrained. onnxruntime does so for whole
#   words only, kitoken and splintr inside words, too. Merge lists put together from two tokenizers make such tokens.
#
# Output:
#> tokenizers    'the' -> ['t', 'he']   'breathe' -> ['b', 'r', 'e', 'a', 't', 'he']
#> gigatoken     'the' -> ['t', 'he']   'breathe' -> ['b', 'r', 'e', 'a', 't', 'he']
#> kitoken       'the' -> ['the']       'breathe' -> ['b', 'r', 'e', 'a', 'the']
#> splintr       'the' -> ['the']       'breathe' -> ['b', 'r', 'e', 'a', 'the']
#> onnxruntime   'the' -> ['the']       'breathe' -> ['b', 'r', 'e', 'a', 't', 'he']
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check install --quiet \
    --no-deps --no-compile --only-binary :all: \
    tokenizers==0.23.3 gigatoken==0.10.0 awkward==2.14.0 awkward-cpp==57 fsspec==2026.9.0 \
    importlib-metadata==10.2.0 packaging==26.4 zipp==4.1.2 numpy==2.4.6 \
    kitoken==0.11.1 splintr-rs==0.22.0 onnxruntime-extensions==0.15.2
"$folder/venv/bin/python" - "$folder" <<'END' | tee "$folder/seen"
import json
import sys
from pathlib import Path

import gigatoken
import kitoken
import splintr
from onnxruntime_extensions.pp_api import Tokenizer as Onnx
from tokenizers import Tokenizer, pre_tokenizers


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
file = folder / "tokenizer.json"
file.write_text(json.dumps(byte_level([("h", "e"), ("t", "h"), ("th", "e")])))
(folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast"}))
reference = Tokenizer.from_file(str(file))
readers = {
    "tokenizers": lambda text: reference.encode(text).ids,
    "gigatoken": gigatoken.Tokenizer(str(file)).encode,
    "kitoken": kitoken.Kitoken.from_tokenizers_file(str(file)).encode,
    "splintr": splintr.from_json(str(file)).encode,
    "onnxruntime": Onnx(str(folder)).tokenize,
}
for name, encode in readers.items():
    word, longer = (str([reference.id_to_token(int(i)) for i in encode(text)]) for text in ("the", "breathe"))
    print(f"{name:13} 'the' -> {word:13} 'breathe' -> {longer}")
END
diff <(sed -n "s/^#> \{0,1\}//p" "$0") "$folder/seen" && exit 0
echo "no longer as stated above" >&2
exit 1
