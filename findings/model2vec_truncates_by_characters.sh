#!/usr/bin/env bash
# model2vec cuts a text by characters before it counts the tokens that max_length allows.
#
# Versions: model2vec 0.10.0, tokenizers 0.23.3. Seen on 2026-11-29.
# Expected: max_length is the "maximum sequence length (in tokens)", 512 unless the model says otherwise. A text of
#   fewer tokens is encoded whole.
# What happens: encode first keeps max_length times m characters, where m is the median length of the tokens in the
#   vocabulary, used or not. The tokens of a text can be longer than that; then its end is lost, and what the cut leaves
#   of a word is another word or none. Here three tokens of eight allowed are one, and a text of one token becomes the
#   zero vector. max_length=None keeps the whole text.
#
# Output:
#> median length of a token: 1
#> 'embedding matrix a'  3 tokens, max_length 8: none          max_length None: a embedding matrix
#> 'a embedding matrix'  3 tokens, max_length 8: a             max_length None: a embedding matrix
#> 'embedding'           1 tokens, max_length 8: none          max_length None: embedding
#> 'a b c d e a b c d'   9 tokens, max_length 8: a b c d       max_length None: a b c d e
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check install --quiet \
    --no-deps --no-compile --only-binary :all: \
    model2vec==0.10.0 tokenizers==0.23.3 joblib==1.6.0 cloudpickle==3.1.3 \
    tqdm==4.70.1 numpy==2.4.6
"$folder/venv/bin/python" - <<'END' | tee "$folder/seen"
import numpy as np
from model2vec import StaticModel
from tokenizers import Tokenizer, models, pre_tokenizers

# Each word's vector is its own axis, so that the mean shows which words were read.
words = ["[UNK]", "a", "b", "c", "d", "e", "embedding", "matrix"]
vocab = {word: number for number, word in enumerate(words)}
tokenizer = Tokenizer(models.WordLevel(vocab, unk_token="[UNK]"))
tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
model = StaticModel(np.eye(len(words), dtype=np.float32), tokenizer, max_length=8)
print("median length of a token:", model.median_token_length)
for text in ("embedding matrix a", "a embedding matrix", "embedding", "a b c d e a b c d"):
    read = {
        length: " ".join(np.array(words)[model.encode(text, max_length=length) > 0]) or "none" for length in (8, None)
    }
    count = len(tokenizer.encode(text).ids)
    print(f"{text!r:21} {count} tokens, max_length 8: {read[8]:13} max_length None: {read[None]}")
END
diff <(sed -n "s/^#> \{0,1\}//p" "$0") "$folder/seen" && exit 0
echo "no longer as stated above" >&2
exit 1
