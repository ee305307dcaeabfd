#!/usr/bin/env bash
# pytorch-tokenizers, the reader of ExecuTorch, keeps the matches of a Split pre-tokenizer and drops all other text.
#
# Versions: pytorch-tokenizers 1.5.0, tokenizers 0.23.3. Seen on 2026-11-30.
# Expected: Split cuts a text at its matches. "Isolated" keeps both parts, "Removed" leaves the matches out, and what
#   lies between is kept. Patterns for a part of the text are common: DeepSeek's first Split isolates numbers.
# What happens: CppHFTokenizer takes Isolated, Removed and MergedWithPrevious, and refuses the others. Of all three only
#   the matches become tokens, whatever "invert" says: of a text with a number the number is left. Nothing is raised. A
#   pattern whose matches cover the whole text, as Llama 3's do, is read right. A Split of a String is right, too.
#
# Output:
#> Isolated              tokenizers ab 12 cd  pytorch-tokenizers 12
#> Isolated, inverted    tokenizers ab 12 cd  pytorch-tokenizers 12
#> Removed               tokenizers ab cd     pytorch-tokenizers 12
#> MergedWithPrevious    tokenizers ab 12 cd  pytorch-tokenizers 12
#> Isolated twice        tokenizers ab 12 cd  pytorch-tokenizers 12
#> Isolated, covers all  tokenizers ab 12 cd  pytorch-tokenizers ab 12 cd
#> Isolated, a String    tokenizers ab 12 cd  pytorch-tokenizers ab 12 cd
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check install --quiet \
    --no-deps --no-compile --only-binary :all: \
    tokenizers==0.23.3 pytorch-tokenizers==1.5.0 sentencepiece==0.2.3 tiktoken==0.14.0 regex==2026.11.19
"$folder/venv/bin/python" - "$folder" <<'END' | tee "$folder/seen"
import json
import sys
from pathlib import Path

from pytorch_tokenizers import CppHFTokenizer
from tokenizers import Tokenizer, pre_tokenizers

MERGES = [("1", "2"), ("a", "b"), ("c", "d")]
NUMBER, ALL = {"Regex": r"\p{N}{1,3}"}, {"Regex": r"\p{N}{1,3}|\P{N}+"}


def byte_level(*splits):
    """A byte-level BPE as a tokenizer.json holds it: 256 bytes, then one token a merge."""
    vocab = {letter: number for number, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    for left, right in MERGES:
        vocab.setdefault(left + right, len(vocab))
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [*splits, level]}, "post_processor": None,
        "decoder": level,
        "model": {
            "type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
            "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
            "vocab": vocab, "merges": [list(pair) for pair in MERGES],
        },
    }


def split(pattern, behavior, invert=False):
    """A Split as the file holds it."""
    return {"type": "Split", "pattern": pattern, "behavior": behavior, "invert": invert}


file = Path(sys.argv[1]) / "tokenizer.json"
for name, splits in (
    ("Isolated", [split(NUMBER, "Isolated")]),
    ("Isolated, inverted", [split(NUMBER, "Isolated", True)]),
    ("Removed", [split(NUMBER, "Removed")]),
    ("MergedWithPrevious", [split(NUMBER, "MergedWithPrevious")]),
    ("Isolated twice", [split(NUMBER, "Isolated"), split(ALL, "Isolated")]),
    ("Isolated, covers all", [split(ALL, "Isolated")]),
    ("Isolated, a String", [split({"String": "12"}, "Isolated")]),
):
    file.write_text(json.dumps(byte_level(*splits)))
    reference, reader = Tokenizer.from_file(str(file)), CppHFTokenizer()
    reader.load(str(file))
    read = [reference.id_to_token(number) for number in reader.encode("ab12cd")]
    print(f"{name:21} tokenizers {' '.join(reference.encode('ab12cd').tokens):9} pytorch-tokenizers {' '.join(read)}")
END
diff <(sed -n "s/^#> \{0,1\}//p" "$0") "$folder/seen" && exit 0
echo "no longer as stated above" >&2
exit 1
