"""onnxruntime-genai: a tokenizer beside the settings of a model."""

import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

# The least that it takes for settings; no model is loaded.
_SETTINGS: dict[str, Any] = {
    "model": {
        "type": "llama",
        "bos_token_id": 0,
        "eos_token_id": 0,
        "pad_token_id": 0,
        "vocab_size": 1,
        "context_length": 1,
        "decoder": {"filename": "model.onnx"},
    },
    "search": {},
}


def load(directory: str) -> tuple[Callable[[str], Any], Callable[[Sequence[int]], Any]]:
    """See `vocabx.runtimes.readers`."""
    import onnxruntime_genai

    with tempfile.TemporaryDirectory() as folder:
        for path in Path(directory).iterdir():
            if path.is_file() and path.name != "genai_config.json":
                (Path(folder) / path.name).symlink_to(path.resolve())
        (Path(folder) / "genai_config.json").write_text(json.dumps(_SETTINGS), "utf-8")
        tokenizer = onnxruntime_genai.Tokenizer(folder)
    tokenizer.update_options(add_special_tokens="false", skip_special_tokens="false")
    return tokenizer.encode, lambda ids: tokenizer.decode(list(ids)) if ids else ""
