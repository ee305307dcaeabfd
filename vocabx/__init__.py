"""vocabx: a vocabulary for your language in an open language model.

    from vocabx import ExtendOptions, extend
    result = extend(ExtendOptions(base="smollm2", lang="zh-Hant", out="runs/demo"))

Each command of the shell is a function here, with a class of options and one of results; `languages` and
`bases` take no options. Names load when they are first used, so that importing vocabx costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vocabx._util.version import VERSION as __version__
    from vocabx.commands.bases.run import KnownBase, bases
    from vocabx.commands.compare.options import CompareOptions
    from vocabx.commands.compare.run import CompareResult, compare
    from vocabx.commands.doctor.options import DoctorOptions
    from vocabx.commands.doctor.run import DoctorResult, doctor
    from vocabx.commands.evaluate.options import EvaluateOptions
    from vocabx.commands.evaluate.run import EvaluateResult, evaluate
    from vocabx.commands.export.options import ExportOptions
    from vocabx.commands.export.run import export
    from vocabx.commands.extend.options import ExtendOptions
    from vocabx.commands.extend.run import ExtendResult, extend
    from vocabx.commands.init_recipe.options import InitRecipeOptions
    from vocabx.commands.init_recipe.run import InitRecipeResult, init_recipe
    from vocabx.commands.inspect.options import InspectOptions
    from vocabx.commands.inspect.run import InspectResult, inspect
    from vocabx.commands.languages.run import KnownLanguage, languages
    from vocabx.commands.merge.options import MergeOptions
    from vocabx.commands.merge.run import MergeResult, merge
    from vocabx.commands.mixture.options import MixtureOptions
    from vocabx.commands.mixture.run import MixtureResult, fit_mixture
    from vocabx.commands.playground.options import PlaygroundOptions
    from vocabx.commands.playground.run import PlaygroundResult, playground
    from vocabx.commands.push.options import PushOptions
    from vocabx.commands.push.run import PushResult, push
    from vocabx.commands.run.options import RunOptions
    from vocabx.commands.run.run import RunResult, run
    from vocabx.commands.train.options import TrainOptions
    from vocabx.commands.train.run import TrainResult, train
    from vocabx.commands.transfer.options import TransferOptions
    from vocabx.commands.transfer.run import TransferResult, transfer
    from vocabx.commands.verify.options import VerifyOptions
    from vocabx.commands.verify.run import VerifyResult, verify
    from vocabx.errors import (
        BaseChangedError,
        BaseModelError,
        CorpusError,
        InitializerError,
        LanguageError,
        MissingPackageError,
        OptionError,
        OutputError,
        RecipeError,
        TokenizerError,
        TrainingError,
        VectorsError,
        VocabxError,
    )
    from vocabx.evaluation.load_model import load_factorised
    from vocabx.exports.export_ctranslate2 import Ctranslate2Result
    from vocabx.exports.export_tiktoken import TiktokenResult
    from vocabx.gguf.export_gguf import ExportResult
    from vocabx.progress import Progress

_WHERE = {
    "BaseChangedError": "vocabx.errors",
    "BaseModelError": "vocabx.errors",
    "CompareOptions": "vocabx.commands.compare.options",
    "CompareResult": "vocabx.commands.compare.run",
    "CorpusError": "vocabx.errors",
    "DoctorOptions": "vocabx.commands.doctor.options",
    "DoctorResult": "vocabx.commands.doctor.run",
    "EvaluateOptions": "vocabx.commands.evaluate.options",
    "EvaluateResult": "vocabx.commands.evaluate.run",
    "Ctranslate2Result": "vocabx.exports.export_ctranslate2",
    "TiktokenResult": "vocabx.exports.export_tiktoken",
    "ExportOptions": "vocabx.commands.export.options",
    "ExportResult": "vocabx.gguf.export_gguf",
    "ExtendOptions": "vocabx.commands.extend.options",
    "ExtendResult": "vocabx.commands.extend.run",
    "InitializerError": "vocabx.errors",
    "InitRecipeOptions": "vocabx.commands.init_recipe.options",
    "InitRecipeResult": "vocabx.commands.init_recipe.run",
    "InspectOptions": "vocabx.commands.inspect.options",
    "InspectResult": "vocabx.commands.inspect.run",
    "KnownBase": "vocabx.commands.bases.run",
    "KnownLanguage": "vocabx.commands.languages.run",
    "LanguageError": "vocabx.errors",
    "MergeOptions": "vocabx.commands.merge.options",
    "MergeResult": "vocabx.commands.merge.run",
    "MissingPackageError": "vocabx.errors",
    "OptionError": "vocabx.errors",
    "OutputError": "vocabx.errors",
    "MixtureOptions": "vocabx.commands.mixture.options",
    "MixtureResult": "vocabx.commands.mixture.run",
    "PlaygroundOptions": "vocabx.commands.playground.options",
    "PlaygroundResult": "vocabx.commands.playground.run",
    "Progress": "vocabx.progress",
    "PushOptions": "vocabx.commands.push.options",
    "PushResult": "vocabx.commands.push.run",
    "RecipeError": "vocabx.errors",
    "RunOptions": "vocabx.commands.run.options",
    "RunResult": "vocabx.commands.run.run",
    "TokenizerError": "vocabx.errors",
    "TrainOptions": "vocabx.commands.train.options",
    "TrainResult": "vocabx.commands.train.run",
    "TrainingError": "vocabx.errors",
    "TransferOptions": "vocabx.commands.transfer.options",
    "TransferResult": "vocabx.commands.transfer.run",
    "VectorsError": "vocabx.errors",
    "VerifyOptions": "vocabx.commands.verify.options",
    "VerifyResult": "vocabx.commands.verify.run",
    "VocabxError": "vocabx.errors",
    "bases": "vocabx.commands.bases.run",
    "compare": "vocabx.commands.compare.run",
    "doctor": "vocabx.commands.doctor.run",
    "evaluate": "vocabx.commands.evaluate.run",
    "export": "vocabx.commands.export.run",
    "extend": "vocabx.commands.extend.run",
    "fit_mixture": "vocabx.commands.mixture.run",
    "init_recipe": "vocabx.commands.init_recipe.run",
    "inspect": "vocabx.commands.inspect.run",
    "languages": "vocabx.commands.languages.run",
    "load_factorised": "vocabx.evaluation.load_model",
    "merge": "vocabx.commands.merge.run",
    "playground": "vocabx.commands.playground.run",
    "push": "vocabx.commands.push.run",
    "run": "vocabx.commands.run.run",
    "train": "vocabx.commands.train.run",
    "transfer": "vocabx.commands.transfer.run",
    "verify": "vocabx.commands.verify.run",
}

__all__ = [
    "BaseChangedError",
    "BaseModelError",
    "CompareOptions",
    "CompareResult",
    "CorpusError",
    "Ctranslate2Result",
    "DoctorOptions",
    "DoctorResult",
    "EvaluateOptions",
    "EvaluateResult",
    "ExportOptions",
    "ExportResult",
    "ExtendOptions",
    "ExtendResult",
    "InitRecipeOptions",
    "InitRecipeResult",
    "InitializerError",
    "InspectOptions",
    "InspectResult",
    "KnownBase",
    "KnownLanguage",
    "LanguageError",
    "MergeOptions",
    "MergeResult",
    "MissingPackageError",
    "MixtureOptions",
    "MixtureResult",
    "OptionError",
    "OutputError",
    "PlaygroundOptions",
    "PlaygroundResult",
    "Progress",
    "PushOptions",
    "PushResult",
    "RecipeError",
    "RunOptions",
    "RunResult",
    "TiktokenResult",
    "TokenizerError",
    "TrainOptions",
    "TrainResult",
    "TrainingError",
    "TransferOptions",
    "TransferResult",
    "VectorsError",
    "VerifyOptions",
    "VerifyResult",
    "VocabxError",
    "__version__",
    "bases",
    "compare",
    "doctor",
    "evaluate",
    "export",
    "extend",
    "fit_mixture",
    "init_recipe",
    "inspect",
    "languages",
    "load_factorised",
    "merge",
    "playground",
    "push",
    "run",
    "train",
    "transfer",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return import_module("vocabx._util.version").VERSION
    if name not in _WHERE:
        raise AttributeError(f"module 'vocabx' has no attribute {name!r}")
    return getattr(import_module(_WHERE[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
