#!/usr/bin/env bash
# iree-tokenizer decodes Llama 2's tokens without the spaces between words.
#
# Versions: iree-tokenizer 0.3.0, tokenizers 0.23.3. Seen on 2026-11-30.
# Expected: the decoders of a sequence follow each other. In Llama 2's and Mistral's, Fuse makes one string of all tokens
#   before Strip takes the space away that was put before the text, so that one space goes.
# What happens: encode returns the right ids, and the file is not refused. Strip takes a space from each token, as if Fuse
#   were not there, and the words of a text run together. With Fuse last, as in Gemma's, all is right.
#
# Output:
#> Fuse, Strip: ids equal: True
#> Fuse, Strip: tokenizers 'an ox an ox', iree 'anoxanox'
#> Fuse:        ids equal: True
#> Fuse:        tokenizers ' an ox an ox', iree ' an ox an ox'
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check install --quiet \
    --no-deps --no-compile --only-binary :all: \
    tokenizers==0.23.3 iree-tokenizer==0.3.0
"$folder/venv/bin/python" - "$folder" <<'END' | tee "$folder/seen"
import json
import sys
from pathlib import Path

from iree.tokenizer import Tokenizer as Iree
from tokenizers import Tokenizer

file = Path(sys.argv[1]) / "tokenizer.json"
pieces = ["<unk>", *(f"<0x{byte:02X}>" for byte in range(256)), "▁", "a", "n", "o", "x", "an", "ox", "▁an", "▁ox"]
merges = [["a", "n"], ["o", "x"], ["▁", "an"], ["▁", "ox"]]
space = {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}
fuse, strip = {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}
for title, decoders in {
    "Fuse, Strip": [space, {"type": "ByteFallback"}, fuse, strip],
    "Fuse": [space, {"type": "ByteFallback"}, fuse],
}.items():
    definition = {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [],
        "normalizer": {
            "type": "Sequence",
            "normalizers": [
                {"type": "Prepend", "prepend": "▁"},
                {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
            ],
        },
        "pre_tokenizer": None, "post_processor": None, "decoder": {"type": "Sequence", "decoders": decoders},
        "model": {
            "type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None,
            "end_of_word_suffix": None, "fuse_unk": True, "byte_fallback": True, "ignore_merges": False,
            "vocab": {piece: number for number, piece in enumerate(pieces)}, "merges": merges,
        },
    }
    file.write_text(json.dumps(definition))
    reference, iree = Tokenizer.from_file(str(file)), Iree.from_file(str(file))
    ids = reference.encode("an ox an ox").ids
    print(f"{title + ':':12} ids equal: {list(iree.encode('an ox an ox')) == ids}")
    print(f"{title + ':':12} tokenizers {reference.decode(ids)!r}, iree {iree.decode(ids)!r}")
END
diff <(sed -n "s/^#> \{0,1\}//p" "$0") "$folder/seen" && exit 0
echo "no longer as stated above" >&2
exit 1
