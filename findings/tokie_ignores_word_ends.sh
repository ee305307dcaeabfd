#!/usr/bin/env bash
# tokie ignores the end_of_word_suffix of a BPE, and reads CLIP's text without any token that ends a word.
#
# Versions: tokie 0.1.4, tokenizers 0.23.3. Seen on 2026-11-30.
# Expected: with "end_of_word_suffix": "</w>" the last letter of a word becomes "t</w>", and merges build "cat</w>". CLIP
#   and the text encoders of Stable Diffusion are made so. A reader that lacks it refuses the file.
# What happens: the file is loaded without an error, and no token with the suffix is ever returned: each word comes as
#   pieces from inside words, and the spaces that the pre-tokenizer removes come as tokens. The text encoder gets ids
#   that stand for another text. Without CLIP's pre-tokenizer it is the same.
#
# Output:
#> as CLIP         'the cat' tokenizers the</w> cat</w>      tokie th e Ġ cat
#> as CLIP         'cats'    tokenizers cats</w>             tokie cat s
#> ByteLevel alone 'the cat' tokenizers the</w> Ġ cat</w>    tokie th e Ġ cat
#> ByteLevel alone 'cats'    tokenizers cats</w>             tokie cat s
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
from tokenizers import Tokenizer, pre_tokenizers

SUFFIX = "</w>"
MERGES = [("t", "h"), ("th", "e</w>"), ("c", "a"), ("ca", "t</w>"), ("ca", "t"), ("cat", "s</w>")]
PATTERN = r"'s|'t|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+"


def clip(spaces):
    """A BPE with CLIP's parts: every letter inside and at the end of a word, then the merged tokens."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    names = [*letters, *(letter + SUFFIX for letter in letters), *(left + right for left, right in MERGES), "<end>"]
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": spaces}
    split = {"type": "Split", "pattern": {"Regex": PATTERN}, "behavior": "Removed", "invert": True}
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "post_processor": None,
        "normalizer": {"type": "Lowercase"},
        "pre_tokenizer": level if spaces else {"type": "Sequence", "pretokenizers": [split, level]}, "decoder": level,
        "model": {
            "type": "BPE", "dropout": None, "unk_token": "<end>", "continuing_subword_prefix": "",
            "end_of_word_suffix": SUFFIX, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
            "vocab": {name: number for number, name in enumerate(names)},
            "merges": [list(pair) for pair in MERGES],
        },
    }


file = Path(sys.argv[1]) / "tokenizer.json"
for name, spaces in (("as CLIP", False), ("ByteLevel alone", True)):
    file.write_text(json.dumps(clip(spaces)))
    reference, reader = Tokenizer.from_file(str(file)), tokie.Tokenizer.from_json(str(file))
    for text in ("the cat", "cats"):
        read = [reference.id_to_token(number) for number in reader.encode(text).ids]
        print(f"{name:15} {text!r:9} tokenizers {' '.join(reference.encode(text).tokens):20} tokie {' '.join(read)}")
END
diff <(sed -n "s/^#> \{0,1\}//p" "$0") "$folder/seen" && exit 0
echo "no longer as stated above" >&2
exit 1
