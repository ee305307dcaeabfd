#!/usr/bin/env bash
# llguidance allows one token only, and refuses it, when the ids of a tokenizer have a hole.
#
# Versions: llguidance 1.9.1, tokenizers 0.23.3. Seen on 2026-11-29.
# Expected: the ids of a tokenizer.json are a map. An embedding matrix padded to a multiple of 64 has rows without a
#   name, and tokens added behind them leave a hole. n_vocab is the number of rows, so every id has a place in the mask.
# What happens: ids at or above the number of tokens have no bytes, whatever n_vocab says, but encoding returns them.
#   Where a grammar leaves a choice, the mask lacks them. Where it leaves none, the mask and compute_ff_tokens name
#   nothing else, and consume_tokens fails on it. A model under a grammar cannot write the tokens behind the hole.
#
# Output:
#> no hole: forced [258], mask [258], consumed True, mask with a choice [66, 89, 256, 258]
#> hole of 60 ids: forced [318], mask [318], consumed False, mask with a choice [66, 89, 256]
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
from tokenizers import pre_tokenizers


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


def allowed(tokenizer, grammar):
    """The ids that the mask allows at the grammar's start."""
    bias = llguidance.LLMatcher(tokenizer, grammar).compute_logit_bias()
    return [number for number, value in enumerate(bias) if value]


for hole in (0, 60):
    definition = byte_level([("z", "z")])
    vocab = definition["model"]["vocab"]
    end, new = len(vocab), len(vocab) + 1 + hole
    vocab.update({"</s>": end, "zzz": new})
    definition["model"]["merges"].append(["zz", "z"])
    definition["added_tokens"] = [{
        "id": end, "content": "</s>", "single_word": False, "lstrip": False, "rstrip": False,
        "normalized": False, "special": True,
    }]
    tokenizer = llguidance.LLTokenizer(json.dumps(definition), n_vocab=384, eos_token=end)
    matcher = llguidance.LLMatcher(tokenizer, 'start: "zzz"\n')
    forced, mask = matcher.compute_ff_tokens(), allowed(tokenizer, 'start: "zzz"\n')
    consumed = matcher.consume_tokens(forced)
    choice = allowed(tokenizer, 'start: "zzz" | "cab"\n')
    name = f"hole of {hole} ids" if hole else "no hole"
    print(f"{name}: forced {forced}, mask {mask}, consumed {consumed}, mask with a choice {choice}")
END
diff <(sed -n "s/^#> \{0,1\}//p" "$0") "$folder/seen" && exit 0
echo "no longer as stated above" >&2
exit 1
