#!/usr/bin/env bash
# tokenizers gives a normalized added token another name than the one that its id is found by.
#
# Versions: tokenizers 0.23.3 and 0.22.2. Seen on 2026-11-29.
# Expected: id_to_token undoes token_to_id. 0.22.2 does: an added token is called what its content is, whatever the
#   normalizer makes of text.
# What happens: with 0.23.3, the token of an id is its content after the normalizer, and no id is found by that name.
#   Old conversions of Llama 2 have "normalized": true for <s>, and a normalizer that puts a space in front:
#   convert_ids_to_tokens of transformers 5 then begins with "▁<s>", which a program that takes tokens as strings, as
#   CTranslate2 does, finds in no vocabulary.
#
# Output:
#> 0.22.2: token of 1: '<s>', its id: 1
#> 0.23.3: token of 1: '\u2581<s>', its id: None
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat > "$folder/show.py" <<'END'
import json

import tokenizers

definition = {
    "version": "1.0", "truncation": None, "padding": None, "pre_tokenizer": None, "post_processor": None,
    "decoder": None, "normalizer": {"type": "Prepend", "prepend": "▁"},
    "added_tokens": [{
        "id": 1, "content": "<s>", "single_word": False, "lstrip": False, "rstrip": False,
        "normalized": True, "special": True,
    }],
    "model": {
        "type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None,
        "end_of_word_suffix": None, "fuse_unk": True, "byte_fallback": False, "ignore_merges": False,
        "vocab": {"<unk>": 0, "<s>": 1, "▁": 2, "a": 3}, "merges": [],
    },
}
tokenizer = tokenizers.Tokenizer.from_str(json.dumps(definition))
name = tokenizer.id_to_token(1)
print(f"{tokenizers.__version__}: token of 1: {ascii(name)}, its id: {tokenizer.token_to_id(name)}")
END
for version in 0.22.2 0.23.3; do
    python3 -m venv "$folder/venv-$version"
    "$folder/venv-$version/bin/python" -m pip --disable-pip-version-check install --quiet \
        --no-deps --no-compile --only-binary :all: "tokenizers==$version"
    "$folder/venv-$version/bin/python" "$folder/show.py"
done | tee "$folder/seen"
diff <(sed -n "s/^#> \{0,1\}//p" "$0") "$folder/seen" && exit 0
echo "no longer as stated above" >&2
exit 1
