#!/usr/bin/env bash
# Three readers match an added token without the flags lstrip, rstrip and single_word.
#
# Versions: kitoken 0.11.1, splintr-rs 0.22.0, onnxruntime-extensions 0.15.2, tokie 0.1.4, tokenizers 0.23.3.
#   Seen on 2026-11-29.
# Expected: lstrip and rstrip make the token take the white space beside it: <mask> of RoBERTa has lstrip. single_word
#   makes it match only where no letter or digit touches it.
# What happens: tokenizers and tokie obey all three. kitoken obeys none, onnxruntime rstrip alone, splintr all but
#   single_word. The rest is silent: a space stays that the model never saw there, and a word with the token inside is
#   taken apart.
#
# Output:
#> lstrip 'a <x> b'      tokenizers  ['a', '<x>', 'Ġb']
#> lstrip 'a <x> b'      tokie       ['a', '<x>', 'Ġb']
#> lstrip 'a <x> b'      splintr     ['a', '<x>', 'Ġb']
#> lstrip 'a <x> b'      kitoken     ['a', 'Ġ', '<x>', 'Ġb']
#> lstrip 'a <x> b'      onnxruntime ['a', 'Ġ', '<x>', 'Ġb']
#> rstrip 'a <x> b'      tokenizers  ['a', 'Ġ', '<x>', 'b']
#> rstrip 'a <x> b'      tokie       ['a', 'Ġ', '<x>', 'b']
#> rstrip 'a <x> b'      splintr     ['a', 'Ġ', '<x>', 'b']
#> rstrip 'a <x> b'      kitoken     ['a', 'Ġ', '<x>', 'Ġb']
#> rstrip 'a <x> b'      onnxruntime ['a', 'Ġ', '<x>', 'b']
#> single_word 'a<x>b'   tokenizers  ['a', '<', 'x', '>', 'b']
#> single_word 'a<x>b'   tokie       ['a', '<', 'x', '>', 'b']
#> single_word 'a<x>b'   splintr     ['a', '<x>', 'b']
#> single_word 'a<x>b'   kitoken     ['a', '<x>', 'b']
#> single_word 'a<x>b'   onnxruntime ['a', '<x>', 'b']
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check install --quiet \
    --no-deps --no-compile --only-binary :all: \
    tokenizers==0.23.3 tokie==0.1.4 splintr-rs==0.22.0 kitoken==0.11.1 onnxruntime-extensions==0.15.2 numpy==2.4.6
"$folder/venv/bin/python" - "$folder" <<'END' | tee "$folder/seen"
import json
import sys
from pathlib import Path

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
for flag, text in (("lstrip", "a <x> b"), ("rstrip", "a <x> b"), ("single_word", "a<x>b")):
    definition = byte_level([("Ġ", "b")])
    added = {"id": len(definition["model"]["vocab"]), "content": "<x>", "normalized": False, "special": True}
    flags = {name: name == flag for name in ("lstrip", "rstrip", "single_word")}
    definition["added_tokens"] = [{**added, **flags}]
    file.write_text(json.dumps(definition))
    reference = Tokenizer.from_file(str(file))
    readers = {
        "tokenizers": lambda text: reference.encode(text).ids,
        "tokie": lambda text: tokie.Tokenizer.from_json(str(file)).encode(text).ids,
        "splintr": lambda text: splintr.from_json(str(file)).encode_with_special(text),
        "kitoken": lambda text: kitoken.Kitoken.from_tokenizers_file(str(file)).encode(text, True),
        "onnxruntime": lambda text: Onnx(str(folder)).tokenize(text),
    }
    for name, encode in readers.items():
        tokens = [reference.id_to_token(int(number)) for number in encode(text)]
        print(f"{f'{flag} {text!r}':21} {name:11} {tokens}")
END
diff <(sed -n "s/^#> \{0,1\}//p" "$0") "$folder/seen" && exit 0
echo "no longer as stated above" >&2
exit 1
