#!/usr/bin/env bash
# tokenizers.js takes only ASCII for the letters and digits of two pre-tokenizers, and splits less in two others.
#
# Versions: @huggingface/tokenizers 0.2.0 of npm, tokenizers 0.23.3. Seen on 2026-11-30.
# Expected: Whitespace and Digits go by Unicode's letters and digits, Punctuation isolates each mark unless the file
#   says otherwise, and Metaspace splits before each "▁" unless "split" is false. The package's documentation names what
#   it lacks of regular expressions and of Split, and none of these.
# What happens: Whitespace takes "é" for a mark, so that a word with an accent becomes three. Digits never separates
#   digits other than ASCII's. Punctuation keeps neighbouring marks together whatever "behavior" says, and Metaspace
#   never splits, so that merges reach over words. BERT's normalizer does not separate Chinese characters beyond U+FFFF.
#
# Output:
#> Whitespace         "cafe"   tokenizers cafe    tokenizers.js cafe
#> Whitespace         "été"    tokenizers été     tokenizers.js é t é
#> Digits, individual "12"     tokenizers 1 2     tokenizers.js 1 2
#> Digits, individual "१२"     tokenizers १ २     tokenizers.js १२
#> Digits             "a१२"    tokenizers a १२    tokenizers.js a१२
#> Punctuation        "a!?"    tokenizers a ! ?   tokenizers.js a !?
#> Metaspace, split   "of the" tokenizers of ▁the tokenizers.js of▁the
#> BertNormalizer     "a日"     tokenizers a 日     tokenizers.js a 日
#> BertNormalizer     "a𠮷"    tokenizers a 𠮷    tokenizers.js a𠮷
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check install --quiet \
    --no-deps --no-compile --only-binary :all: \
    tokenizers==0.23.3
npm install --prefix "$folder" --silent --no-audit --no-fund --ignore-scripts @huggingface/tokenizers@0.2.0 >&2
"$folder/venv/bin/python" - "$folder" <<'END'
import json
import sys
from pathlib import Path

from tokenizers import Tokenizer


def bpe(text, pre_tokenizer, normalizer=None):
    """A BPE that knows the text's letters and merges all that it finds together, from left to right."""
    text = text.replace(" ", "▁")
    letters = dict.fromkeys([*text, " ", "▁"])
    merges = [(text[start:end], text[end]) for start in range(len(text)) for end in range(start + 1, len(text))]
    names = [*letters, *dict.fromkeys(left + right for left, right in merges)]
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": normalizer,
        "pre_tokenizer": pre_tokenizer, "post_processor": None, "decoder": None,
        "model": {
            "type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
            "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
            "vocab": {name: number for number, name in enumerate(names)},
            "merges": [list(pair) for pair in dict.fromkeys(merges)],
        },
    }


BERT = {
    "type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None,
    "lowercase": True,
}
cases = []
for name, text, pre_tokenizer, normalizer in (
    ("Whitespace", "cafe", {"type": "Whitespace"}, None),
    ("Whitespace", "été", {"type": "Whitespace"}, None),
    ("Digits, individual", "12", {"type": "Digits", "individual_digits": True}, None),
    ("Digits, individual", "१२", {"type": "Digits", "individual_digits": True}, None),
    ("Digits", "a१२", {"type": "Digits", "individual_digits": False}, None),
    ("Punctuation", "a!?", {"type": "Punctuation", "behavior": "Isolated"}, None),
    ("Metaspace, split", "of the", {
        "type": "Metaspace", "replacement": "▁", "prepend_scheme": "never", "split": True}, None),
    ("BertNormalizer", "a日", {"type": "WhitespaceSplit"}, BERT),
    ("BertNormalizer", "a𠮷", {"type": "WhitespaceSplit"}, BERT),
):
    definition = bpe(text, pre_tokenizer, normalizer)
    tokens = Tokenizer.from_str(json.dumps(definition)).encode(text).tokens
    cases.append({"name": name, "text": text, "definition": definition, "tokens": tokens})
(Path(sys.argv[1]) / "cases.json").write_text(json.dumps(cases))
END
cat > "$folder/read.mjs" <<'END'
import { readFileSync } from "node:fs";
import { Tokenizer } from "@huggingface/tokenizers";

for (const { name, text, definition, tokens } of JSON.parse(readFileSync(process.argv[2], "utf-8"))) {
  const read = new Tokenizer(definition, {}).encode(text).tokens;
  const head = `${name.padEnd(18)} ${JSON.stringify(text).padEnd(8)}`;
  console.log(`${head} tokenizers ${tokens.join(" ").padEnd(7)} tokenizers.js ${read.join(" ")}`);
}
END
node "$folder/read.mjs" "$folder/cases.json" | tee "$folder/seen"
diff <(sed -n "s/^#> \{0,1\}//p" "$0") "$folder/seen" && exit 0
echo "no longer as stated above" >&2
exit 1
