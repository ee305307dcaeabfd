#!/usr/bin/env bash
# iree-tokenizer cuts the end off a text that needs more than one token for two bytes.
#
# Versions: iree-tokenizer 0.3.0, tokenizers 0.23.3. Seen on 2026-11-29.
# Expected: encode returns the tokens of the whole text, or raises an error.
# What happens: encode, encode_batch and encode_to_array return no more than bytes / 2 + 16 tokens, and leave out the
#   rest without an error; encode_stream returns all of them. English stays below that. A language with few tokens in
#   the vocabulary does not: its texts lose up to half, and measure as shorter than they are.
#
# Output:
#> 32 bytes, 32 tokens: encode 32, encode_batch 32, encode_to_array 32, encode_stream 32
#> 36 bytes, 36 tokens: encode 34, encode_batch 34, encode_to_array 34, encode_stream 36
#> 200 bytes, 200 tokens: encode 116, encode_batch 116, encode_to_array 116, encode_stream 200
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check install --quiet \
    --no-deps --no-compile --only-binary :all: \
    tokenizers==0.23.3 iree-tokenizer==0.3.0 numpy==2.4.6
"$folder/venv/bin/python" - "$folder" <<'END' | tee "$folder/seen"
import json

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


# No merges: every byte is a token, as in a language that the vocabulary does not know.
definition = json.dumps(byte_level([]))
reference, iree = Tokenizer.from_str(definition), Iree.from_str(definition)
for text in ("да" * 8, "да" * 9, "да" * 50):
    with iree.encode_stream() as stream:
        streamed = list(stream.feed(text)) + list(stream.finalize())
    found = {
        "encode": iree.encode(text),
        "encode_batch": iree.encode_batch([text])[0],
        "encode_to_array": iree.encode_to_array(text),
        "encode_stream": streamed,
    }
    counts = ", ".join(f"{name} {len(ids)}" for name, ids in found.items())
    print(f"{len(text.encode())} bytes, {len(reference.encode(text).ids)} tokens: {counts}")
END
diff <(sed -n "s/^#> \{0,1\}//p" "$0") "$folder/seen" && exit 0
echo "no longer as stated above" >&2
exit 1
