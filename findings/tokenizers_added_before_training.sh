#!/usr/bin/env bash
# tokenizers keeps the ids of tokens that were added before training, and training gives the same ids away again.
#
# Versions: tokenizers 0.23.3. Seen on 2026-11-29.
# Expected: a token has an id of its own whether it is added before or after train_from_iterator, and a saved tokenizer
#   gives the ids of the one that was saved.
# What happens: added first, the two tokens have the ids 0 and 1. Training numbers its own tokens from 0, and nothing
#   moves or warns: <a> shares 0 with the special token <s> and is no longer found in a text, <b> shares 1 with the
#   letter "e", so that "e" decodes as <b>. Saving and loading gives <b> another id and <a> none: texts encoded
#   before do not fit the file.
#
# Output:
#> added after training:  <s> 0, <a> 14, <b> 15; 'the<b><a>' [11, 15, 14]; 'e' decoded 'e'
#>   saved and loaded:    <s> 0, <a> 14, <b> 15; 'the<b><a>' [11, 15, 14]; 'e' decoded 'e'
#> added before training: <s> 0, <a> 0, <b> 1; 'the<b><a>' [11, 1]; 'e' decoded '<b>'
#>   saved and loaded:    <s> 0, <a> None, <b> 14; 'the<b><a>' [11, 14]; 'e' decoded 'e'
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check install --quiet \
    --no-deps --no-compile --only-binary :all: \
    tokenizers==0.23.3
"$folder/venv/bin/python" - <<'END' | tee "$folder/seen"
from tokenizers import Tokenizer, models, pre_tokenizers, trainers


def trained(*, add_first):
    """A byte-level BPE of two words, with two added tokens."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    if add_first:
        tokenizer.add_tokens(["<a>", "<b>"])
    trainer = trainers.BpeTrainer(special_tokens=["<s>"], show_progress=False)
    tokenizer.train_from_iterator(["the thing"] * 9, trainer)
    if not add_first:
        tokenizer.add_tokens(["<a>", "<b>"])
    return tokenizer


def show(title, tokenizer):
    """Print the ids of the special and the added tokens, and a text's."""
    ids = ", ".join(f"{token} {tokenizer.token_to_id(token)}" for token in ("<s>", "<a>", "<b>"))
    letter = tokenizer.decode(tokenizer.encode("e").ids, skip_special_tokens=False)
    print(f"{title:22} {ids}; 'the<b><a>' {tokenizer.encode('the<b><a>').ids}; 'e' decoded {letter!r}")


for add_first in (False, True):
    tokenizer = trained(add_first=add_first)
    show(f"added {'before' if add_first else 'after'} training:", tokenizer)
    show("  saved and loaded:", Tokenizer.from_str(tokenizer.to_str()))
END
diff <(sed -n "s/^#> \{0,1\}//p" "$0") "$folder/seen" && exit 0
echo "no longer as stated above" >&2
exit 1
