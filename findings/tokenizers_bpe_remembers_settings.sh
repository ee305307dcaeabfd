#!/usr/bin/env bash
# tokenizers encodes a word by the settings in force when the BPE first met it.
#
# Versions: tokenizers 0.23.3. Seen on 2026-11-29.
# Expected: byte_fallback and unk_token are properties of the model that can be set. Once set, they hold for every text,
#   as ignore_merges and dropout do.
# What happens: BPE remembers the tokens of each piece of text that it has met. Setting byte_fallback or unk_token does
#   not forget them: pieces met before keep their old tokens, others get new ones. One tokenizer follows two sets of
#   rules, depending on what it was given earlier, and differs from the file saved from it.
#
# Output:
#> byte_fallback True     met before: ['a', '<0x78>']   new: ['<0x78>', 'a']
#> byte_fallback False    met before: ['a', '<0x78>']   new: ['<unk>', 'b']
#>   saved and loaded     met before: ['a', '<unk>']    new: ['<unk>', 'b']
#> unk_token <other>      met before: ['<unk>', 'b']    new: ['b', '<other>']
#>   saved and loaded     met before: ['<other>', 'b']  new: ['b', '<other>']
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check install --quiet \
    --no-deps --no-compile --only-binary :all: \
    tokenizers==0.23.3
"$folder/venv/bin/python" - <<'END' | tee "$folder/seen"
from tokenizers import Tokenizer, models

names = ["<unk>", "<other>", *(f"<0x{byte:02X}>" for byte in range(256)), "a", "b"]
vocab = {name: number for number, name in enumerate(names)}
tokenizer = Tokenizer(models.BPE(vocab, [], unk_token="<unk>", byte_fallback=True))


def show(title, reader, met, new):
    """Print the tokens of a text that was encoded before, and of one that was not."""
    print(f"{title:22} met before: {reader.encode(met).tokens!s:17} new: {reader.encode(new).tokens}")


tokenizer.encode("ax")
show("byte_fallback True", tokenizer, "ax", "xa")
tokenizer.model.byte_fallback = False
show("byte_fallback False", tokenizer, "ax", "xb")
show("  saved and loaded", Tokenizer.from_str(tokenizer.to_str()), "ax", "xb")
tokenizer.model.unk_token = "<other>"
show("unk_token <other>", tokenizer, "xb", "bx")
show("  saved and loaded", Tokenizer.from_str(tokenizer.to_str()), "xb", "bx")
END
diff <(sed -n "s/^#> \{0,1\}//p" "$0") "$folder/seen" && exit 0
echo "no longer as stated above" >&2
exit 1
