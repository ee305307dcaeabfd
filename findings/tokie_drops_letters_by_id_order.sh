#!/usr/bin/env bash
# tokie drops letters, bytes and whole texts when the letters of a BPE come before its merged tokens.
#
# Versions: tokie 0.1.4, tokenizers 0.23.3. Seen on 2026-11-29.
# Expected: ids are names. Two files that differ in the numbers alone tokenize every text alike. In Llama 2's the
#   letters follow the merged tokens; the trainer of tokenizers writes the letters first.
# What happens: with the letters last all is right. With the letters first, letters beyond ASCII and all bytes of the
#   byte fallback are missing, without an error, and tokens nearby come a second time, whole or in part: a newline turns
#   into the letter after it. A text of unaccented English words is right in both.
#
# Output:
#> letters last:  'the thin'    tokenizers ['▁the', '▁', 'thin'] tokie ['▁the', '▁', 'thin']
#> letters last:  'café'        tokenizers ['▁', 'c', 'a', 'f', 'é'] tokie ['▁', 'c', 'a', 'f', 'é']
#> letters last:  'a\nb'        tokenizers ['▁', 'a', '<0x0A>', 'b'] tokie ['▁', 'a', '<0x0A>', 'b']
#> letters last:  'the Z thin'  tokenizers ['▁the', '▁', '<0x5A>', '▁', 'thin'] tokie ['▁the', '▁', '<0x5A>', '▁', 'thin']
#> letters first: 'the thin'    tokenizers ['▁the', '▁', 'thin'] tokie ['▁the', '▁', 'thin']
#> letters first: 'café'        tokenizers ['▁', 'c', 'a', 'f', 'é'] tokie ['▁', 'c', 'a', 'f']
#> letters first: 'a\nb'        tokenizers ['▁', 'a', '<0x0A>', 'b'] tokie ['▁', 'a', 'b', 'b']
#> letters first: 'the Z thin'  tokenizers ['▁the', '▁', '<0x5A>', '▁', 'thin'] tokie ['▁the', '▁', '▁', 'thin', 'n']
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check install --quiet \
    --no-deps --no-compile --only-binary :all: \
    tokenizers==0.23.3 tokie==0.1.4
"$folder/venv/bin/python" - "$folder" <<'END' | tee "$folder/seen"
import json
import sys
from pathlib import Path

import tokie
from tokenizers import Tokenizer

MERGES = [("t", "h"), ("th", "e"), ("▁", "the"), ("i", "n"), ("th", "in")]
LETTERS = [*"▁abcdefghijklmnopqrstuvwxyzé"]
MERGED = [left + right for left, right in MERGES]


def byte_fallback(tokens):
    """A BPE with byte fallback as a tokenizer.json holds it: <unk>, 256 bytes, then these tokens."""
    names = ["<unk>", *(f"<0x{byte:02X}>" for byte in range(256)), *tokens]
    space = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [],
        "normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}, space]},
        "pre_tokenizer": None, "post_processor": None,
        "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"},
            {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0},
        ]},
        "model": {
            "type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None,
            "end_of_word_suffix": None, "fuse_unk": True, "byte_fallback": True, "ignore_merges": False,
            "vocab": {name: number for number, name in enumerate(names)},
            "merges": [list(pair) for pair in MERGES],
        },
    }


file = Path(sys.argv[1]) / "tokenizer.json"
for order, tokens in (("last: ", MERGED + LETTERS), ("first:", LETTERS + MERGED)):
    file.write_text(json.dumps(byte_fallback(tokens)))
    reference, reader = Tokenizer.from_file(str(file)), tokie.Tokenizer.from_json(str(file))
    for text in ("the thin", "café", "a\nb", "the Z thin"):
        read = [reference.id_to_token(number) for number in reader.encode(text).ids]
        print(f"letters {order} {text!r:13} tokenizers {reference.encode(text).tokens} tokie {read}")
END
diff <(sed -n "s/^#> \{0,1\}//p" "$0") "$folder/seen" && exit 0
echo "no longer as stated above" >&2
exit 1
