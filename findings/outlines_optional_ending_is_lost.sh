#!/usr/bin/env bash
# outlines-core never continues a text that could end, unless one token reaches the next possible end.
#
# Versions: outlines-core 0.2.14. Seen on 2026-11-29.
# Expected: the tokens allowed after a prefix are all those with which the expression can still match, and the end of
#   the text beside them where it may end.
# What happens: where the text may end, a token is allowed only if the text may end again right after it. After "a",
#   "a(bc)?" allows nothing but the end, as long as "bc" is no single token: "abc" matches and cannot be written. In
#   "a(bc)?d", where the text may not end after "a", "b" is allowed. A JSON number gets no fraction from a vocabulary
#   with "." and digits, since "7." is no number: 7.5 is written as 7, without an error.
#
# Output:
#> tokens a b c d     a(bc)?   writes a: True    writes abc: False   after a: ['end']
#> tokens a b c d bc  a(bc)?   writes a: True    writes abc: False   after a: ['bc', 'end']
#> tokens a b c d     a(bc)?d  writes ad: True   writes abcd: True   after a: ['b', 'd']
#> tokens a b c d     a|abc    writes a: True    writes abc: False   after a: ['end']
#> JSON number: writes 7: True      writes 7.5: False   writes 7e+5: False
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check install --quiet \
    --no-deps --no-compile --only-binary :all: \
    outlines-core==0.2.14
"$folder/venv/bin/python" - <<'END' | tee "$folder/seen"
import json
import re

from outlines_core import Guide, Index, Vocabulary
from outlines_core.json_schema import build_regex_from_schema


def allowed(tokens, expression, prefix):
    """The tokens allowed after a prefix written letter by letter; None where a letter of it is refused."""
    vocabulary = Vocabulary(len(tokens), {token: [number] for number, token in enumerate(tokens)})
    guide = Guide(Index(expression, vocabulary))
    for letter in prefix:
        if tokens.index(letter) not in guide.get_tokens():
            return None
        guide.advance(tokens.index(letter))
    return sorted([*tokens, "end"][number] for number in guide.get_tokens())


def writes(tokens, expression, text, width):
    """Whether a text that matches can be written letter by letter, as a part of a line."""
    assert re.fullmatch(expression, text)
    verdict = "end" in (allowed(tokens, expression, text) or [])
    return f"writes {text}: {verdict}".ljust(width)


letters = ["a", "b", "c", "d"]
for tokens, expression, short, long in (
    (letters, "a(bc)?", "a", "abc"),
    ([*letters, "bc"], "a(bc)?", "a", "abc"),
    (letters, "a(bc)?d", "ad", "abcd"),
    (letters, "a|abc", "a", "abc"),
):
    both = writes(tokens, expression, short, 18) + writes(tokens, expression, long, 20)
    print(f"tokens {' '.join(tokens):11} {expression:8} {both}after a: {allowed(tokens, expression, 'a')}")
number = build_regex_from_schema(json.dumps({"type": "number"}))
signs = list("0123456789.eE+-")
print("JSON number:", "".join(writes(signs, number, text, 20) for text in ("7", "7.5", "7e+5")).rstrip())
END
diff <(sed -n "s/^#> \{0,1\}//p" "$0") "$folder/seen" && exit 0
echo "no longer as stated above" >&2
exit 1
