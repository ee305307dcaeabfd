#!/usr/bin/env bash
# iree-tokenizer loses text, or encodes it twice, where a Split is inverted and merges its pieces.
#
# Versions: iree-tokenizer 0.3.0, tokenizers 0.23.3. Seen on 2026-11-30.
# Expected: a Split decides where a text is divided. Whatever "pattern", "invert" and "behavior" say, all of the text is
#   encoded once, but for "Removed".
# What happens: with "invert": true and "behavior" MergedWithPrevious, MergedWithNext or Contiguous, letters are missing
#   or come twice, and a text without a match becomes no ids at all. Isolated is right, and so are all of them
#   without "invert". Nothing is refused.
#
# Output:
#> Isolated           'ab1ab'  tokenizers 'ab1ab'  iree 'ab1ab'
#> Isolated           '1 12'   tokenizers '1 12'   iree '1 12'
#> Isolated           'ab'     tokenizers 'ab'     iree 'ab'
#> MergedWithPrevious 'ab1ab'  tokenizers 'ab1ab'  iree 'ab1'
#> MergedWithPrevious '1 12'   tokenizers '1 12'   iree '1 12'
#> MergedWithPrevious 'ab'     tokenizers 'ab'     iree ''
#> MergedWithNext     'ab1ab'  tokenizers 'ab1ab'  iree '1ab1ab'
#> MergedWithNext     '1 12'   tokenizers '1 12'   iree '112 12'
#> MergedWithNext     'ab'     tokenizers 'ab'     iree ''
#> Contiguous         'ab1ab'  tokenizers 'ab1ab'  iree '1ab'
#> Contiguous         '1 12'   tokenizers '1 12'   iree '112 '
#> Contiguous         'ab'     tokenizers 'ab'     iree ''
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
from tokenizers import Tokenizer, pre_tokenizers


def byte_level(merges, pre_tokenizer):
    """A byte-level BPE as a tokenizer.json holds it: 256 bytes, then one token a merge."""
    vocab = {letter: number for number, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    for left, right in merges:
        vocab.setdefault(left + right, len(vocab))
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [pre_tokenizer, level]},
        "post_processor": None, "decoder": level,
        "model": {
            "type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
            "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
            "vocab": vocab, "merges": [list(pair) for pair in merges],
        },
    }


file = Path(sys.argv[1]) / "tokenizer.json"
for behavior in ("Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"):
    split = {"type": "Split", "pattern": {"Regex": "[0-9]+"}, "behavior": behavior, "invert": True}
    file.write_text(json.dumps(byte_level([("a", "b")], split)))
    reference, iree = Tokenizer.from_file(str(file)), Iree.from_file(str(file))
    for text in ("ab1ab", "1 12", "ab"):
        expected, seen = ("".join(reference.id_to_token(number) for number in ids).replace("Ġ", " ")
                          for ids in (reference.encode(text).ids, iree.encode(text)))
        print(f"{behavior:18} {text!r:8} tokenizers {expected!r:8} iree {seen!r}")
END
diff <(sed -n "s/^#> \{0,1\}//p" "$0") "$folder/seen" && exit 0
echo "no longer as stated above" >&2
exit 1
