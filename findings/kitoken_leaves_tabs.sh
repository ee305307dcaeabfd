#!/usr/bin/env bash
# kitoken does not turn a tab into a space, as the table of SentencePiece's default does.
#
# Versions: kitoken 0.11.1, sentencepiece 0.2.3. Seen on 2026-11-30.
# Expected: "nmt_nfkc", the default of SentencePiece's trainer, turns tabs and line feeds into spaces. Its table stands
#   in the .model file.
# What happens: kitoken turns line feeds and wide characters into what the table says, and leaves a tab as it is. It becomes
#   <unk>, and the word after it is tokenized as if no space stood before it: tables and lists get other ids.
#
# Output:
#> nmt_nfkc  'a cat'   sentencepiece ▁a ▁cat              kitoken ▁a ▁cat
#> nmt_nfkc  'a\ncat'  sentencepiece ▁a ▁cat              kitoken ▁a ▁cat
#> nmt_nfkc  'a\tcat'  sentencepiece ▁a ▁cat              kitoken ▁a <unk> c at
#> nmt_nfkc  'ａ cat'   sentencepiece ▁a ▁cat              kitoken ▁a ▁cat
#> identity  'a cat'   sentencepiece ▁a ▁cat              kitoken ▁a ▁cat
#> identity  'a\ncat'  sentencepiece ▁a <unk> c at        kitoken ▁a <unk> c at
#> identity  'a\tcat'  sentencepiece ▁a <unk> c at        kitoken ▁a <unk> c at
#> identity  'ａ cat'   sentencepiece ▁ <unk> ▁cat         kitoken ▁ <unk> ▁cat
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check install --quiet \
    --no-deps --no-compile --only-binary :all: \
    kitoken==0.11.1 sentencepiece==0.2.3
"$folder/venv/bin/python" - "$folder" <<'END' | tee "$folder/seen"
import io
import sys
from pathlib import Path

import kitoken
import sentencepiece

file = Path(sys.argv[1]) / "tokenizer.model"
for rule in ("nmt_nfkc", "identity"):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["a cat sat on a mat", "a rat sat on a hat"] * 20), model_writer=model,
        model_type="bpe", vocab_size=24, hard_vocab_limit=False, minloglevel=2, normalization_rule_name=rule,
    )
    file.write_bytes(model.getvalue())
    reference = sentencepiece.SentencePieceProcessor(model_file=str(file))
    read = kitoken.Kitoken.from_sentencepiece_file(str(file))
    for text in ("a cat", "a\ncat", "a\tcat", "ａ cat"):
        both = (reference.encode(text), read.encode(text))
        expected, seen = (" ".join(reference.id_to_piece(list(ids))) for ids in both)
        print(f"{rule:9} {text!r:9} sentencepiece {expected:20} kitoken {seen}")
END
diff <(sed -n "s/^#> \{0,1\}//p" "$0") "$folder/seen" && exit 0
echo "no longer as stated above" >&2
exit 1
