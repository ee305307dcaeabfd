"""What transformers makes of a directory's tokenizer; run by the interpreter that has transformers 4.

Reads {"directory": path, "texts": [...], "special": bool} as JSON from stdin, and writes one JSON object.
"""

import json
import sys

from transformers import AutoTokenizer


def main() -> None:
    request = json.load(sys.stdin)
    tokenizer = AutoTokenizer.from_pretrained(request["directory"], local_files_only=True)
    special = request["special"]
    ids = [tokenizer(text, add_special_tokens=special)["input_ids"] for text in request["texts"]]
    decoded = [
        tokenizer.decode(row, clean_up_tokenization_spaces=False, skip_special_tokens=False) for row in ids
    ]
    answer = {
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
    json.dump(answer, sys.stdout)


main()
