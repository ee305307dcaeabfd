"""All runtimes. A new one is a file in `readers` and a line here."""

from collections.abc import Sequence

from vocabx._util.shorten import shortened
from vocabx._util.suggest import nearest
from vocabx.errors import OptionError
from vocabx.runtimes.runtime import Runtime

ALL = "all"
RUNTIMES = (
    Runtime("transformers", "transformers", "transformers.py", "4.40"),
    Runtime("tokenizers", "tokenizers", "tokenizers.py", "0.15"),
    Runtime("sentencepiece", "sentencepiece", "sentencepiece.py", "0.2", literals=False),
    Runtime("xllamacpp", "xllamacpp", "xllamacpp.py", "2026", gguf=True),
    Runtime("llama-cpp-python", "llama-cpp-python", "llama_cpp_python.py", "0.3", gguf=True),
    Runtime("node-llama-cpp", "node-llama-cpp", "node_llama_cpp.mjs", "3", gguf=True),
    Runtime("tiktoken", "tiktoken", "tiktoken.py", "0.7", tiktoken=True),
    Runtime("vllm", "vllm", "vllm.py", "0.13"),
    Runtime("ctranslate2", "ctranslate2", "ctranslate2.py", "4.5"),
    Runtime("onnxruntime-extensions", "onnxruntime-extensions", "onnxruntime_extensions.py", "0.13"),
    Runtime("onnxruntime-genai", "onnxruntime-genai", "onnxruntime_genai.py", "0.9"),
    Runtime("openvino-tokenizers", "openvino-tokenizers", "openvino_tokenizers.py", "2025"),
    Runtime("transformers.js", "@huggingface/transformers", "transformers_js.mjs", "3"),
    Runtime("tokenizers.js", "@huggingface/tokenizers", "tokenizers_js.mjs", "0.1"),
    Runtime("mistral-common", "mistral-common", "mistral_common.py", "1.8", literals=False),
    Runtime("xgrammar", "xgrammar", "xgrammar.py", "0.1.20"),
    Runtime("llguidance", "llguidance", "llguidance.py", "1"),
    Runtime("outlines-core", "outlines-core", "outlines_core.py", "0.2"),
    Runtime("kitoken", "kitoken", "kitoken.py", "0.10"),
    Runtime("tokie", "tokie", "tokie.py", "0.1"),
    Runtime("fastokens", "fastokens", "fastokens.py", "0.3"),
    Runtime("splintr", "splintr-rs", "splintr.py", "0.20"),
    Runtime("pytorch-tokenizers", "pytorch-tokenizers", "pytorch_tokenizers.py", "1"),
    Runtime("iree-tokenizer", "iree-tokenizer", "iree_tokenizer.py", "0.3"),
    Runtime("gigatoken", "gigatoken", "gigatoken.py", "0.10"),
)


def find_runtimes(names: Sequence[str]) -> tuple[Runtime, ...]:
    """The runtimes of these names, in the order of the registry; "all" is every one.

    Raises:
        OptionError: a name is unknown.
    """
    known = {runtime.name: runtime for runtime in RUNTIMES}
    for name in names:
        if name != ALL and name not in known:
            hint = nearest(name, known) or " Pass all, which names them."
            raise OptionError(f"there is no runtime {shortened(name, 60)!r}.{hint}")
    return tuple(runtime for runtime in RUNTIMES if ALL in names or runtime.name in names)
