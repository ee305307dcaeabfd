#!/usr/bin/env bash
# Three readers split a text with GPT-2's pattern where "use_regex" says not to.
#
# Versions: tokie 0.1.4, gigatoken 0.10.0, onnxruntime-extensions 0.15.2, kitoken 0.11.1, splintr-rs 0.22.0,
#   tokenizers 0.23.3. Seen on 2026-11-29.
# Expected: the pre-tokenizer ByteLevel with "use_regex": false maps bytes to letters and splits nothing, so that merges
#   reach over spaces: how a tokenizer holds tokens of several words.
# What happens: tokie, gigatoken and onnxruntime split at words as if it were true, without an error. The tokens over a
#   space are never found, and the text needs more tokens than the model was trained with. gigatoken refuses patterns
#   that it does not know, but not this.
#
# Output:
#> tokenizers  ['ofĠthe', 'ĠĠ', 'a']
#> kitoken     ['ofĠthe', 'ĠĠ', 'a']
#> splintr     ['ofĠthe', 'ĠĠ', 'a']
#> tokie       ['of', 'Ġthe', 'Ġ', 'Ġ', 'a']
#> gigatoken   ['of', 'Ġthe', 'Ġ', 'Ġ', 'a']
#> onnxruntime ['of', 'Ġthe', 'Ġ', 'Ġ', 'a']
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check install --quiet \
    --no-deps --no-compile --only-binary :all: \
    tokenizers==0.23.3 tokie==0.1.4 kitoken==0.11.1 splintr-rs==0.22.0 onnxruntime-extensions==0.15.2 numpy==2.4.6 \
    gigatoken==0.10.0 awkward==2.14.0 awkward-cpp==57 fsspec==2026.9.0 importlib-metadata==10.2.0 packaging==26.4 \
    zipp==4.1.2
"$folder/venv/bin/python" - "$folder" <<'END' | tee "$folder/seen"
import json
import sys
from pathlib import Path

import gigatoken
import kitoken
import splintr
import tokie
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
(folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast"}))
definition = byte_level([("o", "f"), ("t", "h"), ("th", "e"), ("Ġ", "the"), ("of", "Ġthe"), ("Ġ", "Ġ")])
definition["pre_tokenizer"] = {**definition["pre_tokenizer"], "use_regex": False}
file.write_text(json.dumps(definition))
reference = Tokenizer.from_file(str(file))
for name, encode in {
    "tokenizers": lambda text: reference.encode(text).ids,
    "kitoken": kitoken.Kitoken.from_tokenizers_file(str(file)).encode,
    "splintr": splintr.from_json(str(file)).encode,
    "tokie": lambda text: tokie.Tokenizer.from_json(str(file)).encode(text).ids,
    "gigatoken": gigatoken.Tokenizer(str(file)).encode,
    "onnxruntime": Onnx(str(folder)).tokenize,
}.items():
    print(f"{name:11} {[reference.id_to_token(int(number)) for number in encode('of the  a')]}")
END
diff <(sed -n "s/^#> \{0,1\}//p" "$0") "$folder/seen" && exit 0
echo "no longer as stated above" >&2
exit 1
