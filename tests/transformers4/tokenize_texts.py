"""What transformers makes of a directory's tokenizer; run by the interpreter that has transformers 4.

Each line of stdin is a request as JSON, {"directory": path, "texts": [...], "special": bool}, with "source"
to switch to the code of another source language first, and "save" to write it to a directory. It writes one
JSON object a line.
"""

import json
import sys

from transformers import AutoTokenizer


def answer(request):
    tokenizer = AutoTokenizer.from_pretrained(request["directory"], local_files_only=True)
    if "source" in request:
        tokenizer.src_lang = request["source"]
    if "save" in request:
        tokenizer.save_pretrained(request["save"])
    special = request["special"]
    ids = [tokenizer(text, add_special_tokens=special)["input_ids"] for text in request["texts"]]
    decoded = [
        tokenizer.decode(row, clean_up_tokenization_spaces=False, skip_special_tokens=False) for row in ids
    ]
    return {
        "ids": ids,
        "decoded": decoded,
        "class": type(tokenizer).__name__,
        "bos": tokenizer.bos_token_id,
        "eos": tokenizer.eos_token_id,
        "unk": tokenizer.unk_token_id,
        "pad": tokenizer.pad_token_id,
        "padding_side": tokenizer.padding_side,
        "truncation_side": tokenizer.truncation_side,
        "model_max_length": tokenizer.model_max_length,
        "chat_template": tokenizer.chat_template,
    }


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
