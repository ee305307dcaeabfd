#!/usr/bin/env bash
# Two readers take a WordPiece model for BERT's where its file says otherwise.
#
# Versions: tokie 0.1.4, splintr-rs 0.22.0, iree-tokenizer 0.3.0, tokenizers 0.23.3. Seen on 2026-11-30.
# Expected: the normalizer and the pre-tokenizer of a tokenizer.json are applied, or the file is refused. Models for
#   Japanese and Korean turn handle_chinese_chars or strip_accents off, or split at white space alone.
# What happens: neither refuses. tokie puts spaces around Chinese characters where handle_chinese_chars is false or there
#   is no normalizer, and takes accents off as "lowercase" says, not as strip_accents does. splintr separates them where
#   there is no normalizer. Both split at punctuation where WhitespaceSplit does not. iree reads all as written.
#
# Output:
#> '日本' handle_chinese_chars: False            tokenizers 日 ##本;    others: tokie 日 本
#> '日本' no normalizer                          tokenizers 日 ##本;    others: tokie 日 本, splintr 日 本
#> 'á' lowercase: True strip_accents: False    tokenizers á;        others: tokie a
#> 'á' lowercase: False strip_accents: True    tokenizers a;        others: tokie á
#> 'a-a' WhitespaceSplit                       tokenizers a ##- ##a; others: tokie a - a, splintr a - a
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check install --quiet \
    --no-deps --no-compile --only-binary :all: \
    tokenizers==0.23.3 tokie==0.1.4 splintr-rs==0.22.0 iree-tokenizer==0.3.0
"$folder/venv/bin/python" - "$folder" <<'END' | tee "$folder/seen"
import json
import sys
from pathlib import Path

import splintr
import tokie
from iree.tokenizer import Tokenizer as Iree
from tokenizers import Tokenizer

file = Path(sys.argv[1]) / "tokenizer.json"
words = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "a", "á", "-", "##-", "##a", "日", "本", "##本"]
bert, spaces = {"type": "BertPreTokenizer"}, {"type": "WhitespaceSplit"}
for text, settings, pre_tokenizer in (
    ("日本", {"handle_chinese_chars": False}, bert),
    ("日本", None, bert),
    ("á", {"lowercase": True, "strip_accents": False}, bert),
    ("á", {"lowercase": False, "strip_accents": True}, bert),
    ("a-a", {}, spaces),
):
    normalizer = settings if settings is None else {
        "type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None,
        "lowercase": False, **settings,
    }
    definition = {
        "version": "1.0", "truncation": None, "padding": None, "normalizer": normalizer,
        "added_tokens": [
            {"id": number, "content": words[number], "single_word": False, "lstrip": False, "rstrip": False,
             "normalized": False, "special": True}
            for number in range(4)
        ],
        "pre_tokenizer": pre_tokenizer, "post_processor": None,
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {
            "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": {word: number for number, word in enumerate(words)},
        },
    }
    file.write_text(json.dumps(definition))
    reference = Tokenizer.from_file(str(file))
    found = {
        "tokenizers": reference.encode(text).ids,
        "tokie": tokie.Tokenizer.from_json(str(file)).encode(text, add_special_tokens=False).ids,
        "splintr": splintr.from_json(str(file)).encode(text),
        "iree": Iree.from_file(str(file)).encode(text),
    }
    shown = {
        name: " ".join(word for number in ids if (word := reference.id_to_token(int(number))) not in ("[CLS]", "[SEP]"))
        for name, ids in found.items()
    }
    others = [f"{name} {tokens}" for name, tokens in shown.items() if tokens != shown["tokenizers"]]
    said = "no normalizer" if settings is None else " ".join(f"{name}: {value}" for name, value in settings.items())
    title = f"{text!r} {said or 'WhitespaceSplit'}"
    print(f"{title:43} tokenizers {shown['tokenizers'] + ';':9} others: {', '.join(others) or 'none'}")
END
diff <(sed -n "s/^#> \{0,1\}//p" "$0") "$folder/seen" && exit 0
echo "no longer as stated above" >&2
exit 1
