"""What transformers makes of a factorised directory's model; run by an interpreter of either version.

Its argument is where torch lies, for an interpreter without one of its own. Each line of stdin is a request
as JSON, {"directory": path, "ids": [...], "save": path}; it writes one JSON object a line: the logits, of the
model as loaded and as saved and loaded again, and what is tied.
"""

import json
import sys

sys.path.append(sys.argv[1])
import torch
import transformers


def answer(request):
    config = transformers.AutoConfig.from_pretrained(request["directory"], local_files_only=True)
    auto = getattr(transformers, next(iter(config.auto_map)))
    ids = torch.tensor([request["ids"]])

    def load(directory):
        return auto.from_pretrained(directory, trust_remote_code=True, local_files_only=True).eval()

    def logits(model):
        with torch.inference_mode():
            return model(ids).logits[0].tolist()

    model = load(request["directory"])
    model.save_pretrained(request["save"])
    again = load(request["save"])
    embedding, head = again.get_input_embeddings(), again.get_output_embeddings()
    return {
        "version": transformers.__version__,
        "class": type(model).__name__,
        "logits": logits(model),
        "again": logits(again),
        "tied": [embedding.weight is head.weight, embedding.primitives is head.primitives],
    }


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
