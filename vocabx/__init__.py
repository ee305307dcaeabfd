"""vocabx: a vocabulary for your language in an open language model.

    from vocabx import ExtendOptions, extend
    result = extend(ExtendOptions(base="smollm2", lang="zh-Hant", out=Path("runs/demo")))

Names load when they are first used, so that importing vocabx costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vocabx.comparison import CompareResult, compare
    from vocabx.errors import VocabxError
    from vocabx.evaluating import EvaluateResult, evaluate
    from vocabx.evaluation.load import load_factorised
    from vocabx.gguf_export.export import Exported, export_gguf
    from vocabx.initializers import INITIALIZERS, Mixture, Placement, Problem
    from vocabx.merging import MergeResult, merge
    from vocabx.options import CompareOptions, EvaluateOptions, ExtendOptions, TransferOptions
    from vocabx.pipeline import Result, extend
    from vocabx.progress import Progress
    from vocabx.tokenizer.certificate import Certificate
    from vocabx.training.options import MergeOptions, TrainOptions
    from vocabx.training_pipeline import TrainResult, train
    from vocabx.transfer_pipeline import TransferResult, transfer

_WHERE = {
    "Certificate": "vocabx.tokenizer.certificate",
    "CompareOptions": "vocabx.options",
    "CompareResult": "vocabx.comparison",
    "EvaluateOptions": "vocabx.options",
    "EvaluateResult": "vocabx.evaluating",
    "ExtendOptions": "vocabx.options",
    "Exported": "vocabx.gguf_export.export",
    "INITIALIZERS": "vocabx.initializers",
    "MergeOptions": "vocabx.training.options",
    "MergeResult": "vocabx.merging",
    "Mixture": "vocabx.initializers",
    "Placement": "vocabx.initializers",
    "Problem": "vocabx.initializers",
    "Progress": "vocabx.progress",
    "Result": "vocabx.pipeline",
    "TrainOptions": "vocabx.training.options",
    "TrainResult": "vocabx.training_pipeline",
    "TransferOptions": "vocabx.options",
    "TransferResult": "vocabx.transfer_pipeline",
    "VocabxError": "vocabx.errors",
    "compare": "vocabx.comparison",
    "evaluate": "vocabx.evaluating",
    "export_gguf": "vocabx.gguf_export.export",
    "extend": "vocabx.pipeline",
    "load_factorised": "vocabx.evaluation.load",
    "merge": "vocabx.merging",
    "train": "vocabx.training_pipeline",
    "transfer": "vocabx.transfer_pipeline",
}

__all__ = [
    "INITIALIZERS",
    "Certificate",
    "CompareOptions",
    "CompareResult",
    "EvaluateOptions",
    "EvaluateResult",
    "Exported",
    "ExtendOptions",
    "MergeOptions",
    "MergeResult",
    "Mixture",
    "Placement",
    "Problem",
    "Progress",
    "Result",
    "TrainOptions",
    "TrainResult",
    "TransferOptions",
    "TransferResult",
    "VocabxError",
    "compare",
    "evaluate",
    "export_gguf",
    "extend",
    "load_factorised",
    "merge",
    "train",
    "transfer",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'vocabx' has no attribute {name!r}")
    return getattr(import_module(_WHERE[name]), name)
