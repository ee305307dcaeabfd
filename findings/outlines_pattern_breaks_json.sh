#!/usr/bin/env bash
# outlines-core lets a string with a pattern end in the middle of JSON, and leaves bounds of numbers out.
#
# Versions: outlines-core 0.2.14. Seen on 2026-11-29.
# Expected: text written under the regular expression of a JSON schema is JSON and obeys the schema, or building the
#   expression raises an error, as it does for "not" and "if".
# What happens: "pattern" is put between two quotes as it is. "." and "[^a]" then match a bare quote, and "a|b" without
#   parentheses becomes "a without its end, or b" without its beginning. A property name with a quote is not escaped.
#   Beside "minLength" the pattern is left out, and so are "minimum", "exclusiveMaximum", "multipleOf" and "uniqueItems"
#   everywhere, without a warning.
#
# Output:
#> {"type": "string", "pattern": "^.{2}$"} allows "a"", which is no JSON
#> {"type": "string", "pattern": "a|b"} allows "a, which is no JSON
#> {"type": "object", "properties": {"a\"b": {"type": "integer"}}, "required": ["a\"b"]} allows {"a"b":1}, which is no JSON
#> {"type": "string", "pattern": "^a+$", "minLength": 2} allows "zz"
#> {"type": "integer", "minimum": 10} allows 7
#> {"type": "integer", "multipleOf": 5} allows 7
#> {"type": "number", "exclusiveMaximum": 1} allows 7
#> {"type": "array", "items": {"type": "integer"}, "uniqueItems": true} allows [1,1]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check install --quiet \
    --no-deps --no-compile --only-binary :all: \
    outlines-core==0.2.14
"$folder/venv/bin/python" - <<'END' | tee "$folder/seen"
import json

from outlines_core import Guide, Index, Vocabulary
from outlines_core.json_schema import build_regex_from_schema

# Every token is one character, and one more ends the text.
ids = {chr(code): code - 32 for code in range(32, 127)}
end = len(ids)
vocabulary = Vocabulary(end, {letter: [number] for letter, number in ids.items()})


def allows(schema, text):
    """Whether the text can be written token by token, and end there, under the schema."""
    guide = Guide(Index(build_regex_from_schema(json.dumps(schema)), vocabulary))
    for letter in text:
        if ids[letter] not in guide.get_tokens():
            return False
        guide.advance(ids[letter])
    return end in guide.get_tokens()


def is_json(text):
    """Whether a JSON parser reads the text."""
    try:
        json.loads(text)
    except json.JSONDecodeError:
        return False
    return True


for schema, text in (
    ({"type": "string", "pattern": "^.{2}$"}, '"a""'),
    ({"type": "string", "pattern": "a|b"}, '"a'),
    ({"type": "object", "properties": {'a"b': {"type": "integer"}}, "required": ['a"b']}, '{"a"b":1}'),
    ({"type": "string", "pattern": "^a+$", "minLength": 2}, '"zz"'),
    ({"type": "integer", "minimum": 10}, "7"),
    ({"type": "integer", "multipleOf": 5}, "7"),
    ({"type": "number", "exclusiveMaximum": 1}, "7"),
    ({"type": "array", "items": {"type": "integer"}, "uniqueItems": True}, "[1,1]"),
):
    verdict = "allows" if allows(schema, text) else "refuses"
    print(f"{json.dumps(schema)} {verdict} {text}{'' if is_json(text) else ', which is no JSON'}")
END
diff <(sed -n "s/^#> \{0,1\}//p" "$0") "$folder/seen" && exit 0
echo "no longer as stated above" >&2
exit 1
