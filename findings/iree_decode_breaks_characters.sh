#!/usr/bin/env bash
# iree-tokenizer decodes a character that spans several tokens as replacement characters.
#
# Versions: iree-tokenizer 0.3.0, tokenizers 0.23.3. Seen on 2026-11-29.
# Expected: the bytes of neighbouring tokens are joined before they are read as UTF-8, as the ByteLevel decoder of
#   tokenizers does. Without that a byte alphabet cannot give a text back.
# What happens: encode returns the right ids. decode and the streaming decoder read each token as UTF-8 by itself: the
#   parts of a character become U+FFFD, and the character is lost. One that is a token of its own is right, so
#   English looks well, and a language with few tokens in this vocabulary is unreadable.
#
# Output:
#> ids equal: True
#> tokenizers decode: 'caf\xe9 \u0939\u0964'
#> iree decode: 'caf\xe9 \ufffd\ufffd\ufffd\ufffd\ufffd\ufffd'
#> iree stream: 'caf\xe9 \ufffd\ufffd\ufffd\ufffd\ufffd\ufffd'
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


# One merge: the two bytes of "é" are a token, those of the Hindi letters are not.
text = "café ह।"
definition = json.dumps(byte_level([("Ã", "©")]))
reference, iree = Tokenizer.from_str(definition), Iree.from_str(definition)
ids = reference.encode(text).ids
with iree.decode_stream() as stream:
    streamed = "".join(stream.feed([number]) for number in ids) + stream.finalize()
print("ids equal:", list(iree.encode(text)) == ids)
print("tokenizers decode:", ascii(reference.decode(ids)))
print("iree decode:", ascii(iree.decode(ids)))
print("iree stream:", ascii(streamed))
END
diff <(sed -n "s/^#> \{0,1\}//p" "$0") "$folder/seen" && exit 0
echo "no longer as stated above" >&2
exit 1
