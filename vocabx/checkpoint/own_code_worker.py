"""The process that runs the code which comes with a model, and answers what its embedding matrices are.

Started by `own_code` as `python -m vocabx.checkpoint.own_code_worker REQUEST ANSWER`, two JSON files. What
the code does to this process ends with it.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import msgspec

from vocabx._util.limited_process import limit_this_process
from vocabx._util.loading import refusing
from vocabx._util.quiet import quiet_transformers
from vocabx._util.shorten import shortened
from vocabx.checkpoint.built_architecture import Shapes, built_architecture
from vocabx.checkpoint.model_classes import EXTRA, Classes, with_floats
from vocabx.checkpoint.own_code import Answer
from vocabx.errors import BaseModelError, VocabxError

_SHOWN = 160
# The auto classes by which a model's class is chosen that `architectures` does not name, in this order, each
# with the map of transformers that it stands for.
_AUTO = {
    "AutoModelForCausalLM": "CAUSAL_LM",
    "AutoModelForSeq2SeqLM": "SEQ_TO_SEQ_CAUSAL_LM",
    "AutoModelForImageTextToText": "IMAGE_TEXT_TO_TEXT",
    "AutoModelForMaskedLM": "MASKED_LM",
    "AutoModel": "",
}


class OwnClasses(Classes):
    """The classes of a model's own code, and those of transformers where it names none."""

    def __init__(self, config: dict[str, Any], code: Path) -> None:
        """Choose the class of the model.

        Args:
            config: the content of config.json.
            code: the directory with the files of code.
        """
        self._code = code
        self._named = {
            key: value for key, value in config["auto_map"].items() if isinstance(value, str) and "." in value
        }
        stated = config.get("architectures")
        name = str(stated[0]) if isinstance(stated, list) and stated else ""
        keys = [key for key in _AUTO if key in self._named]
        self._key = next((key for key in keys if self._named[key].endswith(f".{name}")), (*keys, "")[0])

    def configuration(self, config: dict[str, Any], where: object) -> Any:
        """The configuration object for the content of a config.json; see `Classes`."""
        if "AutoConfig" not in self._named:
            return super().configuration(config, where)
        made = self._load("AutoConfig", where)
        with refusing(where), quiet_transformers(EXTRA):
            return made.from_dict(with_floats(config))

    def model(self, config: dict[str, Any], made: Any, where: object) -> Any:
        """The class of the model; see `Classes`."""
        import transformers

        if not self._key:
            return super().model({**config, "auto_map": None}, made, where)
        found = self._load(self._key, where)
        if not (isinstance(found, type) and issubclass(found, transformers.PreTrainedModel)):
            raise BaseModelError(
                f"{where} names {self._named[self._key]} as its class, which is no PreTrainedModel of "
                "transformers: vocabx cannot extend it, pass another base"
            )
        return found

    def is_in_map(self, name: str, which: str) -> bool:
        """Whether the class is named for the auto class of a map of transformers."""
        return _AUTO[self._key] == which if self._key else super().is_in_map(name, which)

    def _load(self, key: str, where: object) -> Any:
        from transformers.dynamic_module_utils import get_class_from_dynamic_module

        named = self._named[key]
        if "--" in named:
            raise BaseModelError(
                f"{where} names code of another repository ({named}): put its files into the directory, and "
                "their names without the repository into auto_map"
            )
        with refusing(where), quiet_transformers(EXTRA):
            return get_class_from_dynamic_module(named, self._code, local_files_only=True)


def main(request: Path, answer: Path) -> None:
    """Answer one request."""
    asked = json.loads(request.read_text(encoding="utf-8"))
    limit_this_process(asked["memory"], asked["processor"])
    config, where = asked["config"], asked["where"]
    stored = Shapes({name: shape and tuple(shape) for name, shape in asked["shapes"].items()})
    try:
        said = Answer(*built_architecture(config, stored, where, OwnClasses(config, Path(asked["code"]))))
    except VocabxError as error:
        said = Answer(refused=str(error))
    except BaseException as error:  # Whatever the code raises, also to end the program.
        said = Answer(
            refused=f"{where} can only be built by code of its own, which fails ({_shown(error)}): repair "
            "its code, or pass another base"
        )
    answer.write_bytes(msgspec.json.encode(said))


def _shown(error: BaseException) -> str:
    """An exception of other people's code, in a few words."""
    said = shortened(" ".join(str(error).split()), _SHOWN)
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
    # Threads and exit handlers of the code are not waited for.
    os._exit(0)
