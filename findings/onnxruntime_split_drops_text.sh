#!/usr/bin/env bash
# onnxruntime-extensions drops the text between the matches of a Split pre-tokenizer.
#
# Versions: onnxruntime-extensions 0.15.2, tokenizers 0.23.3. Seen on 2026-11-29.
# Expected: Split with the behaviour "Isolated" cuts a text at its matches and keeps all of it, what matches and what
#   lies between. A pattern for a part of the text, such as one that isolates digits, is common.
# What happens: the matches become tokens, and what lies between is gone, without an error. "Removed" keeps the matches
#   and drops the rest, too: the opposite of what it says.
#
# Output:
#> Isolated, tokenizers: ['a', 'b', '1', '2', 'c', 'd', '3']
#> Isolated, onnxruntime: ['1', '2', '3']
#> Removed, tokenizers: ['a', 'b', 'c', 'd']
#> Removed, onnxruntime: ['1', '2', '3']
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check install --quiet \
    --no-deps --no-compile --only-binary :all: \
    tokenizers==0.23.3 onnxruntime-extensions==0.15.2 numpy==2.4.6
"$folder/venv/bin/python" - "$folder" <<'END' | tee "$folder/seen"
import json
import sys
from pathlib import Path

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
for behaviour in ("Isolated", "Removed"):
    definition = byte_level([])
    split = {"type": "Split", "pattern": {"Regex": r"\p{N}"}, "behavior": behaviour, "invert": False}
    level = {**definition["pre_tokenizer"], "use_regex": False}
    definition["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [split, level]}
    (folder / "tokenizer.json").write_text(json.dumps(definition))
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast"}))
    reference, onnx = Tokenizer.from_str(json.dumps(definition)), Onnx(str(folder))
    print(f"{behaviour}, tokenizers:", reference.encode("ab12cd3").tokens)
    ids = [int(number) for number in onnx.tokenize("ab12cd3")]
    print(f"{behaviour}, onnxruntime:", [reference.id_to_token(number) for number in ids])
END
diff <(sed -n "s/^#> \{0,1\}//p" "$0") "$folder/seen" && exit 0
echo "no longer as stated above" >&2
exit 1
