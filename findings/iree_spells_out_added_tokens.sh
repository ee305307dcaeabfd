#!/usr/bin/env bash
# iree-tokenizer spells out an added token that is neither special nor normalized.
#
# Versions: iree-tokenizer 0.3.0, tokenizers 0.23.3. Seen on 2026-11-29.
# Expected: every added token is matched. "special" only says whether decode may leave it out, and "normalized" whether
#   it is looked for before or after the normalizer. Both may be false: so they are for <tool_call> of Qwen 2.5.
# What happens: with both false, the token is never matched. Its characters become ordinary tokens, without a warning,
#   while token_to_id knows it: the prompt is one that the model has never seen. Either flag set, all is right.
#
# Output:
#> special=False normalized=False tokenizers ['a', '<think>', 'b'] iree ['a', '<', 't', 'h', 'i', 'n', 'k', '>', 'b'] id 256
#> special=False normalized=True tokenizers ['a', '<think>', 'b'] iree ['a', '<think>', 'b'] id 256
#> special=True normalized=False tokenizers ['a', '<think>', 'b'] iree ['a', '<think>', 'b'] id 256
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


for special, normalized in ((False, False), (False, True), (True, False)):
    definition = byte_level([])
    definition["added_tokens"] = [{
        "id": 256, "content": "<think>", "single_word": False, "lstrip": False, "rstrip": False,
        "normalized": normalized, "special": special,
    }]
    reference, iree = Tokenizer.from_str(json.dumps(definition)), Iree.from_str(json.dumps(definition))
    read = [reference.id_to_token(number) for number in iree.encode("a<think>b")]
    print(f"special={special} normalized={normalized} tokenizers", reference.encode("a<think>b").tokens, end=" ")
    print("iree", read, "id", iree.token_to_id("<think>"))
END
diff <(sed -n "s/^#> \{0,1\}//p" "$0") "$folder/seen" && exit 0
echo "no longer as stated above" >&2
exit 1
