#!/usr/bin/env bash
# tokenizers.js reads a Unigram model without its byte fallback, and with another character map than the file's.
#
# Versions: @huggingface/tokenizers 0.2.0 of npm, tokenizers 0.23.3, sentencepiece 0.2.3. Seen on 2026-11-30.
# Expected: with "byte_fallback" a character without a piece becomes its bytes, and nothing is unknown. The normalizer
#   Precompiled holds SentencePiece's map of characters in "precompiled_charsmap", and applies that.
# What happens: byte_fallback is obeyed for a BPE and ignored for a Unigram model: the character becomes <unk>, and its
#   text is lost. The map is never read: NFKC and some white space are applied in its place. A model trained with
#   case folding, "nmt_nfkc_cf", gets upper case, which it has no pieces for; a map of one's own is left out.
#
# Output:
#> nmt_nfkc, byte_fallback "a é"   tokenizers ▁ a ▁ <0xC3> <0xA9> tokenizers.js ▁ a ▁ <unk>
#> nmt_nfkc                "a ｃat" tokenizers ▁ a ▁ c a t         tokenizers.js ▁ a ▁ c a t
#> nmt_nfkc_cf             "A cat" tokenizers ▁ a ▁ c a t         tokenizers.js ▁ <unk> ▁ c a t
#> a map of q to x         "q yz"  tokenizers ▁ x ▁ y z           tokenizers.js ▁ <unk> ▁ y z
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check install --quiet \
    --no-deps --no-compile --only-binary :all: \
    tokenizers==0.23.3 sentencepiece==0.2.3 protobuf==7.36.2
npm install --prefix "$folder" --silent --no-audit --no-fund --ignore-scripts @huggingface/tokenizers@0.2.0 >&2
"$folder/venv/bin/python" - "$folder" <<'END'
import base64
import io
import json
import sys
from pathlib import Path

import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import Tokenizer

folder = Path(sys.argv[1])


def unigram(rule, fallback):
    """A Unigram model trained on a few words with this rule, as a tokenizer.json holds it."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["a cat", "the cat", "xyz"]), model_writer=model, model_type="unigram",
        vocab_size=300 if fallback else 40, hard_vocab_limit=False, byte_fallback=fallback, minloglevel=2, **rule,
    )
    proto = sentencepiece_model_pb2.ModelProto.FromString(model.getvalue())
    charsmap = base64.b64encode(proto.normalizer_spec.precompiled_charsmap).decode()
    space = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [],
        "normalizer": {"type": "Precompiled", "precompiled_charsmap": charsmap}, "pre_tokenizer": space,
        "post_processor": None, "decoder": space,
        "model": {
            "type": "Unigram", "unk_id": 0, "byte_fallback": fallback,
            "vocab": [[piece.piece, piece.score] for piece in proto.pieces],
        },
    }


(folder / "rule.tsv").write_text("71\t78\n")  # q becomes x
named = "normalization_rule_name"
cases = []
for name, rule, fallback, text in (
    ("nmt_nfkc, byte_fallback", {named: "nmt_nfkc"}, True, "a é"),
    ("nmt_nfkc", {named: "nmt_nfkc"}, False, "a ｃat"),
    ("nmt_nfkc_cf", {named: "nmt_nfkc_cf"}, False, "A cat"),
    ("a map of q to x", {"normalization_rule_tsv": str(folder / "rule.tsv")}, False, "q yz"),
):
    definition = unigram(rule, fallback)
    reference = Tokenizer.from_str(json.dumps(definition)).encode(text)
    cases.append({"name": name, "text": text, "definition": definition, "ids": reference.ids})
(folder / "cases.json").write_text(json.dumps(cases))
END
cat > "$folder/read.mjs" <<'END'
import { readFileSync } from "node:fs";
import { Tokenizer } from "@huggingface/tokenizers";

for (const { name, text, definition, ids } of JSON.parse(readFileSync(process.argv[2], "utf-8"))) {
  const names = (numbers) => numbers.map((number) => definition.model.vocab[number][0]).join(" ");
  const head = `${name.padEnd(23)} ${JSON.stringify(text).padEnd(7)}`;
  const read = new Tokenizer(definition, {}).encode(text).ids;
  console.log(`${head} tokenizers ${names(ids).padEnd(19)} tokenizers.js ${names(read)}`);
}
END
node "$folder/read.mjs" "$folder/cases.json" | tee "$folder/seen"
diff <(sed -n "s/^#> \{0,1\}//p" "$0") "$folder/seen" && exit 0
echo "no longer as stated above" >&2
exit 1
