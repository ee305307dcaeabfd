#!/usr/bin/env bash
# tokenizers reads other scores from a tokenizer.json than it wrote into it, and tokenizes otherwise.
#
# Versions: tokenizers 0.23.3. Seen on 2026-11-29.
# Expected: a Unigram tokenizer that is saved and read again is the same: its scores are 64-bit floats, and the file
#   holds each with as many digits as it takes.
# What happens: the digits are read with an error in the last bit. Of 2,000 scores, all of them numbers that a
#   SentencePiece model can hold, 272 change. Where two segmentations of a text have the same sum, one of them wins
#   afterwards: "abcd" is "ab", "cd" before and "abc", "d" after. transformers 5 reads the scores of T5 with Python and
#   so without the error: it tokenizes a long row of dashes otherwise than tokenizers does from the same file.
#
# Output:
#> scores that change: 272 of 2,000
#> made    -9.041022300720215  ['ab', 'cd']
#> read    -9.041022300720217  ['abc', 'd']
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check install --quiet \
    --no-deps --no-compile --only-binary :all: tokenizers==0.23.3
"$folder/venv/bin/python" - <<'END' | tee "$folder/seen"
import json
import random
import struct

from tokenizers import Tokenizer, models


def single(number):
    """The nearest number of 32 bits, as .model files hold them."""
    return struct.unpack("f", struct.pack("f", number))[0]


def scores(tokenizer):
    return [score for _, score in json.loads(tokenizer.to_str())["model"]["vocab"]]


def unigram(pieces):
    return Tokenizer(models.Unigram([("<unk>", 0.0), *pieces], unk_id=0, byte_fallback=False))


random.seed(0)
made = unigram((f"p{number}", single(-random.uniform(1, 14))) for number in range(2000))
read = Tokenizer.from_str(made.to_str())
changed = sum(one != other for one, other in zip(scores(made), scores(read)))
print(f"scores that change: {changed} of 2,000")

low = -9.041022300720215
made = unigram([("ab", low), ("cd", -1.0), ("abc", low + 0.5), ("d", -1.5)])
read = Tokenizer.from_str(made.to_str())
for name, tokenizer in (("made", made), ("read", read)):
    print(f"{name:7} {scores(tokenizer)[1]!r:19} {tokenizer.encode('abcd').tokens}")
END
diff <(sed -n "s/^#> \{0,1\}//p" "$0") "$folder/seen" && exit 0
echo "no longer as stated above" >&2
exit 1
