#!/usr/bin/env bash
# A merge listed a second time, at the end, changes how old text is tokenized: in three readers of seven.
#
# Versions: tokenizers 0.23.3, fastokens 0.3.5, llguidance 1.9.1, iree-tokenizer 0.3.0, gigatoken 0.10.0,
#   kitoken 0.11.1, splintr-rs 0.22.0. Seen on 2026-11-29.
# Expected: a merge's rank is its first place in the list, so that a copy at the end changes nothing; or an error.
# What happens: tokenizers, fastokens and llguidance keep the last place. The merge loses its rank, and old text is
#   tokenized differently although no token is new. The other four keep the first place. Appending the merges of one
#   tokenizer to another's makes such copies, and a test with one reader says nothing about the rest.
#
# Output:
#> tokenizers    before ['w', 'it']   after ['wi', 't']
#> fastokens     before ['w', 'it']   after ['wi', 't']
#> llguidance    before ['w', 'it']   after ['wi', 't']
#> iree          before ['w', 'it']   after ['w', 'it']
#> gigatoken     before ['w', 'it']   after ['w', 'it']
#> kitoken       before ['w', 'it']   after ['w', 'it']
#> splintr       before ['w', 'it']   after ['w', 'it']
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check install --quiet \
    --no-deps --no-compile --only-binary :all: \
    tokenizers==0.23.3 gigatoken==0.10.0 awkward==2.14.0 awkward-cpp==57 fsspec==2026.9.0 \
    importlib-metadata==10.2.0 packaging==26.4 zipp==4.1.2 numpy==2.4.6 \
    iree-tokenizer==0.3.0 kitoken==0.11.1 splintr-rs==0.22.0 llguidance==1.9.1 fastokens==0.3.5
"$folder/venv/bin/python" - "$folder" <<'END' | tee "$folder/seen"
import json
import sys
from pathlib import Path

import fastokens
import gigatoken
import kitoken
import llguidance
import splintr
from iree.tokenizer import Tokenizer as Iree
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


file = Path(sys.argv[1]) / "tokenizer.json"


def read(merges):
    """The tokens of "wit" by each reader."""
    text = json.dumps(byte_level(merges))
    file.write_text(text)
    reference = Tokenizer.from_str(text)
    ids = {
        "tokenizers": reference.encode("wit").ids,
        "fastokens": fastokens.Tokenizer.from_json_str(text).encode("wit").ids,
        "llguidance": llguidance.LLTokenizer(text).tokenize_str("wit"),
        "iree": Iree.from_str(text).encode("wit"),
        "gigatoken": gigatoken.Tokenizer(str(file)).encode("wit"),
        "kitoken": kitoken.Kitoken.from_tokenizers_file(str(file)).encode("wit"),
        "splintr": splintr.from_json(str(file)).encode("wit"),
    }
    return {name: [reference.id_to_token(int(number)) for number in found] for name, found in ids.items()}


before = read([("i", "t"), ("w", "i")])
after = read([("i", "t"), ("w", "i"), ("i", "t")])
for name in before:
    print(f"{name:13} before {before[name]}   after {after[name]}")
END
diff <(sed -n "s/^#> \{0,1\}//p" "$0") "$folder/seen" && exit 0
echo "no longer as stated above" >&2
exit 1
