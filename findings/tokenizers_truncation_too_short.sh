#!/usr/bin/env bash
# tokenizers does not truncate at all when max_length is below the number of special tokens.
#
# Versions: tokenizers 0.23.3. Seen on 2026-11-29.
# Expected: an encoding has no more than max_length tokens, or an error says that the special tokens leave no room, as
#   the strategy "only_second" says of a second text that is too short to be cut enough.
# What happens: with room for the special tokens alone a text becomes these. With less, truncation is left out: the
#   whole text is returned, specials and all, without an error. A text that is to be cut to 1 token has 6. A pair needs
#   three special tokens here, so that max_length 2 cuts one text and leaves two whole. Without special tokens the
#   same settings hold.
#
# Output:
#> max_length 4: one text 4 tokens, two texts 4 tokens, without special tokens 4 tokens
#> max_length 3: one text 3 tokens, two texts 3 tokens, without special tokens 3 tokens
#> max_length 2: one text 2 tokens, two texts 9 tokens, without special tokens 2 tokens
#> max_length 1: one text 6 tokens, two texts 9 tokens, without special tokens 1 tokens
#> max_length 0: one text 6 tokens, two texts 9 tokens, without special tokens 0 tokens
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check install --quiet \
    --no-deps --no-compile --only-binary :all: \
    tokenizers==0.23.3
"$folder/venv/bin/python" - <<'END' | tee "$folder/seen"
from tokenizers import Tokenizer, models, pre_tokenizers, processors

words = ["[CLS]", "[SEP]", "[UNK]", "a", "b", "c", "d"]
vocab = {word: number for number, word in enumerate(words)}
tokenizer = Tokenizer(models.WordLevel(vocab, unk_token="[UNK]"))
tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
tokenizer.post_processor = processors.TemplateProcessing(
    single="[CLS] $A [SEP]",
    pair="[CLS] $A [SEP] $B:1 [SEP]:1",
    special_tokens=[("[CLS]", vocab["[CLS]"]), ("[SEP]", vocab["[SEP]"])],
)
for length in (4, 3, 2, 1, 0):
    tokenizer.enable_truncation(length)
    found = {
        "one text": tokenizer.encode("a b c d"),
        "two texts": tokenizer.encode("a b c d", "c d"),
        "without special tokens": tokenizer.encode("a b c d", add_special_tokens=False),
    }
    counts = ", ".join(f"{name} {len(encoding)} tokens" for name, encoding in found.items())
    print(f"max_length {length}: {counts}")
END
diff <(sed -n "s/^#> \{0,1\}//p" "$0") "$folder/seen" && exit 0
echo "no longer as stated above" >&2
exit 1
