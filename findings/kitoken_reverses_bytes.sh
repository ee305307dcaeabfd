#!/usr/bin/env bash
# kitoken gives the bytes of a character in reverse order where a Unigram model falls back to bytes.
#
# Versions: kitoken 0.11.1, sentencepiece 0.2.3. Seen on 2026-11-30.
# Expected: a character without a piece becomes its bytes in UTF-8, the first byte first, as SentencePiece gives them.
# What happens: with a .model of type "unigram" and byte_fallback the bytes come last to first, so that every such
#   character is another text to the model, and kitoken's own decode gives replacement characters. With type "bpe" the
#   order is right.
#
# Output:
#> bpe      'a é'  sentencepiece  ▁a ▁ <0xC3> <0xA9>          decoded 'a é'
#> bpe      'a é'  kitoken        ▁a ▁ <0xC3> <0xA9>          decoded 'a é'
#> bpe      '日'    sentencepiece  ▁ <0xE6> <0x97> <0xA5>      decoded '日'
#> bpe      '日'    kitoken        ▁ <0xE6> <0x97> <0xA5>      decoded '日'
#> unigram  'a é'  sentencepiece  ▁ a ▁ <0xC3> <0xA9>         decoded 'a é'
#> unigram  'a é'  kitoken        ▁ a ▁ <0xA9> <0xC3>         decoded 'a ��'
#> unigram  '日'    sentencepiece  ▁ <0xE6> <0x97> <0xA5>      decoded '日'
#> unigram  '日'    kitoken        ▁ <0xA5> <0x97> <0xE6>      decoded '���'
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
for kind in ("bpe", "unigram"):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["a cat sat on a mat", "a rat sat on a hat"] * 20), model_writer=model, model_type=kind,
        vocab_size=290, byte_fallback=True, hard_vocab_limit=False, minloglevel=2,
    )
    file.write_bytes(model.getvalue())
    reference = sentencepiece.SentencePieceProcessor(model_file=str(file))
    read = kitoken.Kitoken.from_sentencepiece_file(str(file))
    for text in ("a é", "日"):
        for name, ids in (("sentencepiece", reference.encode(text)), ("kitoken", read.encode(text))):
            pieces = " ".join(reference.id_to_piece(list(ids)))
            print(f"{kind:8} {text!r:6} {name:14} {pieces:27} decoded {read.decode(ids).decode(errors='replace')!r}")
END
diff <(sed -n "s/^#> \{0,1\}//p" "$0") "$folder/seen" && exit 0
echo "no longer as stated above" >&2
exit 1
