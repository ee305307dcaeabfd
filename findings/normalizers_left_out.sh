#!/usr/bin/env bash
# Two readers leave a normalizer out beside byte-level BPE, or put a stronger one in its place.
#
# Versions: tokie 0.1.4, onnxruntime-extensions 0.15.2, tokenizers 0.23.3. Seen on 2026-11-29.
# Expected: the normalizer of a tokenizer.json is applied before the text is split, or the file is refused, as kitoken,
#   gigatoken and fastokens refuse what they lack.
# What happens: neither refuses the file. onnxruntime leaves out all six below. tokie leaves out five, and for Lowercase
#   does what BERT's normalizer does: accents go, too. The model sees text that its training never showed it.
#
# Output:
#> Lowercase         'É'    tokenizers 'é', tokie 'e', onnxruntime 'É'
#> NFKC              'ﬁ'    tokenizers 'fi', tokie 'ﬁ', onnxruntime 'ﬁ'
#> NFD+StripAccents  'é'    tokenizers 'e', tokie 'é', onnxruntime 'é'
#> Replace           '7'    tokenizers '0', tokie '7', onnxruntime '7'
#> Prepend           'x'    tokenizers '_x', tokie 'x', onnxruntime 'x'
#> Strip             ' x '  tokenizers 'x', tokie ' x ', onnxruntime ' x '
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check install --quiet \
    --no-deps --no-compile --only-binary :all: \
    tokenizers==0.23.3 tokie==0.1.4 onnxruntime-extensions==0.15.2 numpy==2.4.6
"$folder/venv/bin/python" - "$folder" <<'END' | tee "$folder/seen"
import json
import sys
from pathlib import Path

import tokie
from onnxruntime_extensions.pp_api import Tokenizer as Onnx
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


folder = Path(sys.argv[1])
file = folder / "tokenizer.json"
(folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast"}))
for normalizer, text in (
    ({"type": "Lowercase"}, "É"),
    ({"type": "NFKC"}, "ﬁ"),
    ({"type": "Sequence", "normalizers": [{"type": "NFD"}, {"type": "StripAccents"}]}, "é"),
    ({"type": "Replace", "pattern": {"Regex": "[0-9]"}, "content": "0"}, "7"),
    ({"type": "Prepend", "prepend": "_"}, "x"),
    ({"type": "Strip", "strip_left": True, "strip_right": True}, " x "),
):
    definition = {**byte_level([("Ã", "©"), ("Ã", "ī")]), "normalizer": normalizer}
    file.write_text(json.dumps(definition))
    reference = Tokenizer.from_file(str(file))
    found = {
        "tokenizers": reference.encode(text).ids,
        "tokie": tokie.Tokenizer.from_json(str(file)).encode(text).ids,
        "onnxruntime": Onnx(str(folder)).tokenize(text),
    }
    names = "+".join(part["type"] for part in normalizer.get("normalizers", [normalizer]))
    read = ", ".join(f"{name} {reference.decode([int(i) for i in ids])!r}" for name, ids in found.items())
    print(f"{names:17} {text!r:6} {read}")
END
diff <(sed -n "s/^#> \{0,1\}//p" "$0") "$folder/seen" && exit 0
echo "no longer as stated above" >&2
exit 1
