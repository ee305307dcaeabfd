#!/usr/bin/env bash
# onnxruntime-extensions tokenizes one tokenizer.json in two ways, by the class in tokenizer_config.json.
#
# Versions: onnxruntime-extensions 0.15.2, tokenizers 0.23.3. Seen on 2026-11-30.
# Expected: a SentencePiece BPE without a pre-tokenizer merges over the whole text, as tokenizer.json says and as the
#   tokenizers library does, whatever tokenizer_config.json calls its class.
# What happens: as PreTrainedTokenizerFast the space before the text stays a token of its own. As LlamaTokenizer it does
#   not, but digits are taken three at a time. As both, a letter and punctuation never become one token.
#
# Output:
#> 'a c', tokenizers: ▁a ▁ c
#> 'a c', onnxruntime, LlamaTokenizer: ▁a ▁ c
#> 'a c', onnxruntime, PreTrainedTokenizerFast: ▁ a ▁ c
#> 'c b.', tokenizers: ▁ c ▁ b.
#> 'c b.', onnxruntime, LlamaTokenizer: ▁ c ▁ b .
#> 'c b.', onnxruntime, PreTrainedTokenizerFast: ▁ c ▁ b .
#> 'c0000', tokenizers: ▁ c 00 00
#> 'c0000', onnxruntime, LlamaTokenizer: ▁ c 00 0 0
#> 'c0000', onnxruntime, PreTrainedTokenizerFast: ▁ c 00 00
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check install --quiet \
    --no-deps --no-compile --only-binary :all: \
    tokenizers==0.23.3 onnxruntime-extensions==0.15.2 numpy==2.4.6
"$folder/venv/bin/python" - "$folder" <<'END' | tee "$folder/seen"
import json
import sys
from pathlib import Path

from onnxruntime_extensions.pp_api import Tokenizer as Onnx
from tokenizers import Tokenizer


def sentencepiece_bpe(letters, merges):
    """A BPE as Llama 2 has it: a space before the text, spaces as ▁, no pre-tokenizer, bytes as a fallback."""
    space = "\u2581"
    vocab = {"<unk>": 0, "<s>": 1, "</s>": 2} | {f"<0x{byte:02X}>": byte + 3 for byte in range(256)}
    for token in [space, *letters, *(left + right for left, right in merges)]:
        vocab.setdefault(token, len(vocab))
    plain = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    spaces = [
        {"type": "Prepend", "prepend": space},
        {"type": "Replace", "pattern": {"String": " "}, "content": space},
    ]
    decoders = [
        {"type": "Replace", "pattern": {"String": space}, "content": " "},
        {"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0},
    ]
    return {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [{"id": n, "content": name, **plain} for n, name in enumerate(("<unk>", "<s>", "</s>"))],
        "normalizer": {"type": "Sequence", "normalizers": spaces}, "pre_tokenizer": None, "post_processor": None,
        "decoder": {"type": "Sequence", "decoders": decoders},
        "model": {
            "type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None,
            "end_of_word_suffix": None, "fuse_unk": True, "byte_fallback": True, "ignore_merges": False,
            "vocab": vocab, "merges": [list(pair) for pair in merges],
        },
    }


folder = Path(sys.argv[1])
space = "\u2581"
definition = sentencepiece_bpe("abc.0", [(space, "a"), ("a", "b"), (space + "a", "b"), ("b", "."), ("0", "0")])
(folder / "tokenizer.json").write_text(json.dumps(definition))
reference = Tokenizer.from_str(json.dumps(definition))
for text in ("a c", "c b.", "c0000"):
    print(f"{text!r}, tokenizers:", *reference.encode(text).tokens)
    for name in ("LlamaTokenizer", "PreTrainedTokenizerFast"):
        settings = {"tokenizer_class": name, "unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>"}
        (folder / "tokenizer_config.json").write_text(json.dumps(settings))
        onnx = Onnx(str(folder))
        onnx.update_options({"add_special_tokens": False, "skip_special_tokens": False})
        ids = [int(number) for number in onnx.tokenize(text)]
        print(f"{text!r}, onnxruntime, {name}:", *(reference.id_to_token(number) for number in ids))
END
diff <(sed -n "s/^#> \{0,1\}//p" "$0") "$folder/seen" && exit 0
echo "no longer as stated above" >&2
exit 1
