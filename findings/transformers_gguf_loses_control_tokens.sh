#!/usr/bin/env bash
# transformers loses the control tokens of a GGUF file whose names are not in the byte alphabet, as DeepSeek's <｜User｜>.
#
# Versions: transformers 5.24.0, tokenizers 0.23.3, torch 2.13.0, gguf 0.19.0. Seen on 2026-11-30.
# Expected: a token's id is its place in the list of the file, and a control token is matched as a whole and skipped by
#   skip_special_tokens, whatever its name.
# What happens: in a file with the tokenizer "gpt2" the name <｜User｜>, with wide bars, is taken for a text whose bytes
#   are still to be written in GPT-2's letters, and is rewritten. After that no token has this name: it is spelled out
#   byte by byte, so that the model gets a prompt other than the one it was trained on, and its id is no longer special.
#   The tokens of bos_token_id and eos_token_id are added a second time, with ids that the model has no rows for.
#
# Output:
#> file: 261 tokens, bos_token_id 257  transformers: 261 tokens, bos_token_id 257
#>   <|begin|>              is 257  encoded 257  skipped by decode: yes
#>   <|end|>                is 258  encoded 258  skipped by decode: yes
#>   <|User|>               is 259  encoded 259  skipped by decode: yes
#> file: 261 tokens, bos_token_id 257  transformers: 263 tokens, bos_token_id 261
#>   <｜begin▁of▁sentence｜>  is 257  encoded 261  skipped by decode: no
#>   <｜end▁of▁sentence｜>    is 258  encoded 262  skipped by decode: no
#>   <｜User｜>               is 259  encoded in 12 parts  skipped by decode: no
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
# PyTorch with what it requires, which differs from one build of it to the next; everything else as it stands here.
"$folder/venv/bin/python" -m pip --disable-pip-version-check install --quiet \
    --no-compile --only-binary :all: \
    torch==2.13.0 filelock==4.3.1 fsspec==2026.9.0 typing_extensions==4.16.0 jinja2==3.1.6 MarkupSafe==3.0.4 \
    networkx==3.6.1 setuptools==84.2.1 sympy==1.14.0 mpmath==1.3.0
"$folder/venv/bin/python" -m pip --disable-pip-version-check install --quiet \
    --no-deps --no-compile --only-binary :all: \
    gguf==0.19.0 transformers==5.24.0 tokenizers==0.23.3 huggingface_hub==2.4.0 safetensors==0.8.0 \
    numpy==2.4.6 PyYAML==6.0.4 regex==2026.11.19 tqdm==4.70.1 httpx2==2.16.2 httpcore2==2.16.2 h11==0.16.0 \
    anyio==4.16.0 idna==3.20 packaging==26.4 truststore==0.10.5 click==8.5.1
HF_HUB_OFFLINE=1 TRANSFORMERS_VERBOSITY=critical "$folder/venv/bin/python" - "$folder" <<'END' | tee "$folder/seen"
import sys

import gguf
from tokenizers import pre_tokenizers
from transformers import AutoTokenizer

NORMAL, CONTROL = gguf.TokenType.NORMAL, gguf.TokenType.CONTROL
letters = sorted(pre_tokenizers.ByteLevel.alphabet())
for marks in (["<|begin|>", "<|end|>", "<|User|>"], ["<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜User｜>"]):
    names = [*letters, "hi", *marks, "<|endoftext|>"]
    writer = gguf.GGUFWriter(f"{sys.argv[1]}/vocabulary.gguf", "qwen2")
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("deepseek-r1-qwen")
    writer.add_token_list(names)
    writer.add_token_types([NORMAL] * (len(letters) + 1) + [CONTROL] * (len(marks) + 1))
    writer.add_token_merges(["h i"])
    writer.add_bos_token_id(names.index(marks[0]))
    writer.add_eos_token_id(names.index(marks[1]))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    read = AutoTokenizer.from_pretrained(sys.argv[1], gguf_file="vocabulary.gguf")
    print(f"file: {len(names)} tokens, bos_token_id {names.index(marks[0])}  "
          f"transformers: {len(read)} tokens, bos_token_id {read.bos_token_id}")
    for mark in marks:
        own, ids = names.index(mark), read.encode(mark, add_special_tokens=False)
        skipped = "no" if read.decode([own], skip_special_tokens=True) else "yes"
        parts = ids[0] if len(ids) == 1 else f"in {len(ids)} parts"
        print(f"  {mark:22} is {own}  encoded {parts}  skipped by decode: {skipped}")
END
diff <(sed -n "s/^#> \{0,1\}//p" "$0") "$folder/seen" && exit 0
echo "no longer as stated above" >&2
exit 1
