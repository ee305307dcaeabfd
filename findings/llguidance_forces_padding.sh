#!/usr/bin/env bash
# llguidance pads the tokens that a grammar forces, and then refuses them.
#
# Versions: llguidance 1.9.1, tokenizers 0.23.3. Seen on 2026-11-29.
# Expected: padding saved in tokenizer.json is for batches of training text. The tokens that a grammar forces next are
#   no batch, and hold what the grammar says.
# What happens: LLTokenizer, given the file, has no switch for padding and applies it. compute_ff_tokens returns the
#   forced token and pad tokens up to the saved length; consume_tokens then fails on llguidance's own answer. Only
#   llguidance.hf.from_tokenizer, the way through transformers, switches padding off first.
#
# Output:
#> padding None: forced ['zz'], consumed True
#> padding to 4: forced ['zz', '</s>', '</s>', '</s>'], consumed False
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check install --quiet \
    --no-deps --no-compile --only-binary :all: \
    tokenizers==0.23.3 llguidance==1.9.1
"$folder/venv/bin/python" - "$folder" <<'END' | tee "$folder/seen"
import json

import llguidance
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


# The grammar allows "zz" and then a number.
for length in (None, 4):
    definition = byte_level([("z", "z")])
    end = len(definition["model"]["vocab"])
    definition["added_tokens"] = [{
        "id": end, "content": "</s>", "single_word": False, "lstrip": False, "rstrip": False,
        "normalized": False, "special": True,
    }]
    if length:
        definition["padding"] = {
            "strategy": {"Fixed": length}, "direction": "Right", "pad_to_multiple_of": None,
            "pad_id": end, "pad_type_id": 0, "pad_token": "</s>",
        }
    reference = Tokenizer.from_str(json.dumps(definition))
    tokenizer = llguidance.LLTokenizer(json.dumps(definition), eos_token=end)
    matcher = llguidance.LLMatcher(tokenizer, 'start: "zz" /[0-9]+/\n')
    forced = matcher.compute_ff_tokens()
    tokens = [reference.id_to_token(number) for number in forced]
    print(f"padding {f'to {length}' if length else None}: forced {tokens}, consumed {matcher.consume_tokens(forced)}")
END
diff <(sed -n "s/^#> \{0,1\}//p" "$0") "$folder/seen" && exit 0
echo "no longer as stated above" >&2
exit 1
