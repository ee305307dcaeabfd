"""The logits of causal models under an interpreter of any version of transformers.

Reads {"torch": path, "ids": [...], "directories": [...]} as JSON from stdin: `torch` is where torch lies for
an interpreter without one of its own. Writes for each directory its logits, whether its matrices are tied,
and the names that loading missed or did not expect.
"""

import json
import sys


def main() -> None:
    request = json.load(sys.stdin)
    sys.path.append(request["torch"])
    import torch
    import transformers

    answers = []
    for directory in request["directories"]:
        model, info = transformers.AutoModelForCausalLM.from_pretrained(
            directory, local_files_only=True, output_loading_info=True
        )
        with torch.inference_mode():
            logits = model.eval()(torch.tensor([request["ids"]])).logits[0]
        answers.append(
            {
                "logits": logits.tolist(),
                "tied": model.get_output_embeddings().weight is model.get_input_embeddings().weight,
                "unmatched": [*info["missing_keys"], *info["unexpected_keys"]],
            }
        )
    json.dump({"version": transformers.__version__, "answers": answers}, sys.stdout)


main()
