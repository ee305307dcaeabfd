#!/usr/bin/env bash
# Three readers divide a text at other places than the "behavior" of its pre-tokenizer says.
#
# Versions: tokie 0.1.4, kitoken 0.11.1, splintr-rs 0.22.0, tokenizers 0.23.3. Seen on 2026-11-30.
# Expected: MergedWithPrevious puts a match at the end of the piece before it, MergedWithNext at the beginning of the
#   one after it; "invert" takes what lies between the matches for matches; Removed leaves the matches out. Or the file
#   is refused, as gigatoken and fastokens refuse what they lack.
# What happens: tokie reads any behavior as Isolated, and "individual_digits": false as true. kitoken reads
#   MergedWithPrevious as MergedWithNext and the reverse where "invert" is true. splintr keeps several punctuation marks
#   together before it merges them with a neighbor. Merges reach over other boundaries, so that the tokens are others.
#
# Output:
#> Split Removed False            tokenizers a b;      others: tokie a - b
#> Split Removed True             tokenizers -;        others: tokie a - b
#> Split MergedWithPrevious False tokenizers a- b;     others: tokie a - b
#> Split MergedWithPrevious True  tokenizers a -b;     others: tokie a - b, kitoken a- b
#> Split MergedWithNext False     tokenizers a -b;     others: tokie a - b
#> Split MergedWithNext True      tokenizers a- b;     others: tokie a - b, kitoken a -b
#> Punctuation MergedWithPrevious tokenizers a ! ! b;  others: tokie a !! b, splintr a !! b
#> Punctuation MergedWithNext     tokenizers a ! ! b;  others: tokie a !! b, splintr a !! b
#> Digits False                   tokenizers a 12 b;   others: tokie a 1 2 b
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check install --quiet \
    --no-deps --no-compile --only-binary :all: \
    tokenizers==0.23.3 tokie==0.1.4 kitoken==0.11.1 splintr-rs==0.22.0
"$folder/venv/bin/python" - "$folder" <<'END' | tee "$folder/seen"
import json
import sys
from pathlib import Path

import kitoken
import splintr
import tokie
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
merges = [("a", "-"), ("-", "b"), ("!", "!"), ("1", "2")]
cases = [
    ("a-b", {"type": "Split", "pattern": {"String": "-"}, "behavior": behavior, "invert": invert})
    for behavior in ("Removed", "MergedWithPrevious", "MergedWithNext")
    for invert in (False, True)
]
cases += [("a!!b", {"type": "Punctuation", "behavior": f"MergedWith{side}"}) for side in ("Previous", "Next")]
cases += [("a12b", {"type": "Digits", "individual_digits": False})]
for text, pre_tokenizer in cases:
    file.write_text(json.dumps(byte_level(merges, pre_tokenizer)))
    reference = Tokenizer.from_file(str(file))
    found = {
        "tokenizers": reference.encode(text).ids,
        "tokie": tokie.Tokenizer.from_json(str(file)).encode(text).ids,
        "kitoken": kitoken.Kitoken.from_tokenizers_file(str(file)).encode(text),
        "splintr": splintr.from_json(str(file)).encode(text),
    }
    shown = {name: " ".join(reference.id_to_token(int(number)) for number in ids) for name, ids in found.items()}
    others = [f"{name} {tokens}" for name, tokens in shown.items() if tokens != shown["tokenizers"]]
    title = " ".join(str(value) for name, value in pre_tokenizer.items() if name != "pattern")
    print(f"{title:30} tokenizers {shown['tokenizers'] + ';':9} others: {', '.join(others) or 'none'}")
END
diff <(sed -n "s/^#> \{0,1\}//p" "$0") "$folder/seen" && exit 0
echo "no longer as stated above" >&2
exit 1
