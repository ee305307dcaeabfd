#!/usr/bin/env bash
# tokie splits white space beyond ASCII from the letters after it, which Llama 3's pattern keeps together.
#
# Versions: tokie 0.1.4, tokenizers 0.23.3. Seen on 2026-11-30.
# Expected: [^\r\n\p{L}\p{N}]?\p{L}+ takes one character that is no letter, digit or line break, such as U+00A0 or the
#   wide space U+3000 of Chinese and Japanese, with the letters behind it, so that both can be one token.
# What happens: a space or a hyphen goes with the letters; U+00A0 and U+3000 do not, and the text has two tokens.
#
# Output: number of tokens
#> '\xa0B', tokenizers: 1, tokie: 2
#> '\u3000B', tokenizers: 1, tokie: 2
#> '-B', tokenizers: 1, tokie: 1
#> ' B', tokenizers: 1, tokie: 1
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

from tokenizers import Tokenizer, pre_tokenizers
from tokie import Tokenizer as Tokie

# Llama 3's: one character that is no letter, digit or line break goes with the letters behind it.
PATTERN = r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"


def byte_level(texts):
    """A byte-level BPE as a tokenizer.json holds it, with merges that make each of some texts one token."""
    vocab = {letter: number for number, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    alphabet = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    merges = []
    for text in texts:
        ((letters, _),) = alphabet.pre_tokenize_str(text)
        for end in range(1, len(letters)):
            pair = [letters[:end], letters[end]]
            merges += [] if pair in merges else [pair]
            vocab.setdefault("".join(pair), len(vocab))
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    split = {"type": "Split", "pattern": {"Regex": PATTERN}, "behavior": "Isolated", "invert": False}
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, level]}, "post_processor": None,
        "decoder": level,
        "model": {
            "type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
            "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
            "vocab": vocab, "merges": merges,
        },
    }


folder = Path(sys.argv[1])
texts = ("\u00a0B", "\u3000B", "-B", " B")
definition = byte_level(texts)
path = folder / "tokenizer.json"
path.write_text(json.dumps(definition))
reference, tokie = Tokenizer.from_str(json.dumps(definition)), Tokie.from_json(str(path))
for text in texts:
    ids = tokie.encode(text, add_special_tokens=False).ids
    print(f"{ascii(text)}, tokenizers: {len(reference.encode(text).ids)}, tokie: {len(ids)}")
END
diff <(sed -n "s/^#> \{0,1\}//p" "$0") "$folder/seen" && exit 0
echo "no longer as stated above" >&2
exit 1
