"""A decoder in CTranslate2's format, made by its own converter and compared with the checkpoint."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vocabx._util.extras import need, require_all
from vocabx._util.loading import load_auto
from vocabx._util.quiet import quiet_transformers
from vocabx._util.shorten import shortened
from vocabx.checkpoint.factorised import refuse_factorised
from vocabx.checkpoint.read_checkpoint import read_checkpoint
from vocabx.checkpoint.staging import check_free, check_space, staged
from vocabx.checkpoint.tables import Checkpoint
from vocabx.errors import BaseModelError, OutputError, TokenizerError
from vocabx.exports.ctranslate2_file import Variable, read_variables
from vocabx.progress import Progress, Quiet
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.tokenizer.read_tokenizer import read_tokenizer

FLAG = "--ctranslate2"
EXTRA = "ctranslate2"
_PACKAGES = {"ctranslate2": EXTRA, "torch": EXTRA, "transformers": EXTRA}
_TYPES = {"f32": "float32", "f16": "float16", "bf16": "bfloat16", "int8": "int8"}
_STORED = {"F32": "f32", "F16": "f16", "BF16": "bf16"}
_BYTES = {"f32": 4, "f16": 2, "bf16": 2, "int8": 1}
# The format counts the bytes of a tensor in 32 bits.
_LARGEST = 2**32 - 1
# Computed in another order, logits differ by less than this; nearer ones may change places.
_NEAR = 1e-3
# Rounding of float32 changes distributions by less than this share of their mass.
_ALIKE = 0.01
_PROMPT = 8
_PROMPTS = 8


@dataclass(frozen=True)
class Ctranslate2Result:
    """What was written.

    Attributes:
        path: the directory.
        loader: the class of the configuration, by which the converter knows the model.
        tokens: number of tokens in its vocabulary, each at the position of its id.
        dtype: dtype of the matrices.
        matrices: number of embedding matrices that were compared with the checkpoint.
        rows: number of rows of each.
        prompts: number of prompts that were continued by both programs.
        same: for how many of them the next token was the same.
        apart: the largest total variation distance between both distributions of a next token, 0 to 1.
        bytes: size of the directory.
    """

    path: Path
    loader: str
    tokens: int
    dtype: str
    matrices: int
    rows: int
    prompts: int
    same: int
    apart: float
    bytes: int


def export_ctranslate2(
    directory: Path, out: Path, dtype: str = "auto", progress: Progress | None = None
) -> Ctranslate2Result:
    """Convert a checkpoint with CTranslate2's converter, and compare what it wrote with the checkpoint.

    Compared are the position of each token with its id, each row of the embedding matrices bit for bit (of
    int8, within half a step), and in float32 the next token of a few prompts with that of transformers; which
    may differ only where `dtype` stores fewer bits than the checkpoint. Where the tokens are the same and
    their probabilities are not, a note says so: the converter leaves out some settings, such as soft caps of
    logits.

    Args:
        directory: a checkpoint of a decoder.
        out: the directory to write; must not exist, or be empty.
        dtype: dtype of the matrices: "f32", "f16", "bf16", "int8", or "auto" for that of the checkpoint.
        progress: receives the stages, and a note where prompts are continued differently.

    Raises:
        BaseModelError: there is no such checkpoint, or the converter does not support it.
        TokenizerError: some ids have no name.
        OutputError: the directory cannot be written, or what was written is not what is in the checkpoint.
        MissingPackageError: a package is not installed.
    """
    progress = progress or Quiet()
    _check_target(out)
    require_all(_PACKAGES)
    checkpoint = _checkpoint(directory)
    tokenizer = read_tokenizer(directory)
    loader = _loader(checkpoint)
    _check_names(tokenizer, checkpoint)
    own = _STORED.get(checkpoint.input.dtype, "f32")
    stored = own if dtype == "auto" else dtype
    _check_sizes(checkpoint, stored)
    check_space(out, checkpoint.weight_bytes * _BYTES[stored] // _BYTES[own])
    with _flagged(), staged(out, progress.note) as scratch:
        with progress.stage("Converting with CTranslate2"):
            made = _convert(directory, scratch / "made", _TYPES[stored])
        with progress.stage("Comparing with the checkpoint"):
            tokens = _check_positions(made, tokenizer, checkpoint.input.rows)
            matrices = _check_rows(made, checkpoint, stored)
            prompts, same, apart = _compare_prompts(made, directory, tokens, checkpoint)
        checkpoint.require_unchanged()
        _judge((prompts, same, apart), stored, own, progress)
        for path in made.iterdir():
            path.rename(scratch / path.name)
        made.rmdir()
    size = sum(path.stat().st_size for path in out.iterdir())
    rows = checkpoint.input.rows
    return Ctranslate2Result(out, loader, len(tokens), stored, matrices, rows, prompts, same, apart, size)


@contextmanager
def _flagged() -> Iterator[None]:
    """Name this command's own option in errors about the directory."""
    try:
        yield
    except OutputError as error:
        raise OutputError(str(error).replace("--out", FLAG)) from None


def _check_target(out: Path) -> None:
    with _flagged():
        check_free(out)


def _checkpoint(directory: Path) -> Checkpoint:
    if not directory.is_dir():
        raise BaseModelError(
            f"{directory} is not a directory: pass a model directory, such as vocabx extend writes"
        )
    checkpoint = read_checkpoint(directory)
    refuse_factorised(checkpoint, "CTranslate2")
    checkpoint.require_no_own_code("an export", "convert it in your own script")
    if not checkpoint.generates or checkpoint.sees:
        raise BaseModelError(
            f"{directory} is no decoder of text, and vocabx compares only decoders with what CTranslate2 "
            "makes of them: run ct2-transformers-converter yourself"
        )
    return checkpoint


def _loader(checkpoint: Checkpoint) -> str:
    """The class of the configuration, which the converter must know."""
    converters: Any = need("ctranslate2.converters.transformers", EXTRA)
    kind = type(load_auto("AutoConfig", checkpoint.directory, EXTRA)).__name__
    if kind not in converters._MODEL_LOADERS:
        raise BaseModelError(
            f"CTranslate2 {need('ctranslate2', EXTRA).__version__} does not convert models of type "
            f"{checkpoint.config['model_type']} ({kind}): use another runtime, or a later version of it"
        )
    return kind


def _check_names(tokenizer: FastTokenizer, checkpoint: Checkpoint) -> None:
    """Refuse rows without a token, which the converter names in ways of its own, and tokens without a row."""
    rows = checkpoint.input.rows
    unnamed = [index for index in range(rows) if index not in tokenizer.id_to_piece]
    if unnamed:
        raise TokenizerError(
            f"{checkpoint.directory}: {len(unnamed):,} of {rows:,} ids have no name (the first is "
            f"{unnamed[0]:,}), and CTranslate2 finds tokens by name: `vocabx doctor --out` names them"
        )
    if tokenizer.size > rows:
        raise TokenizerError(
            f"{checkpoint.directory}: the tokenizer has ids up to {tokenizer.size - 1:,}, but there are "
            f"{rows:,} rows: it belongs to another model; `vocabx doctor` says more"
        )


def _check_sizes(checkpoint: Checkpoint, stored: str) -> None:
    """Refuse a matrix that the format has no room for."""
    rows, width = checkpoint.input.map().shape
    if rows * width * _BYTES[stored] > _LARGEST:
        raise OutputError(
            f"an embedding matrix of {rows:,} rows takes {rows * width * _BYTES[stored] / 1e9:.1f} GB as "
            f"{stored}, and CTranslate2 stores at most 4.3 GB in one: pass --dtype int8, or f16"
        )


def _convert(directory: Path, out: Path, stored: str) -> Path:
    converters: Any = need("ctranslate2.converters", EXTRA)
    try:
        with quiet_transformers(EXTRA):
            converters.TransformersConverter(str(directory)).convert(str(out), quantization=stored)
    except (NotImplementedError, ValueError) as error:
        reason = shortened(" ".join(str(error).split()), 120)
        raise BaseModelError(
            f"CTranslate2 cannot convert {directory} ({reason}): use another runtime"
        ) from error
    stated = json.loads((out / "config.json").read_text("utf-8"))
    if unnamed := [name for name, value in stated.items() if name.endswith("_token") and value is None]:
        raise TokenizerError(
            f"{directory} names no {unnamed[0]}, and CTranslate2 loads no model without it: name one in "
            "tokenizer_config.json"
        )
    return out


def _check_positions(made: Path, tokenizer: FastTokenizer, rows: int) -> list[str]:
    """The vocabulary that was written, once each token is at the position of its id."""
    tokens: list[str] = json.loads((made / "vocabulary.json").read_text("utf-8"))
    wrong = [index for index, token in enumerate(tokens) if token != tokenizer.id_to_piece.get(index)]
    if wrong or len(tokens) != rows or len(set(tokens)) != rows:
        first = wrong[0] if wrong else min(len(tokens), rows)
        raise OutputError(
            f"CTranslate2 wrote a vocabulary of {len(tokens):,} tokens for {rows:,} rows, in which id "
            f"{first:,} is another token, so nothing was written: serve it where tokenizer.json is read"
        )
    return tokens


def _check_rows(made: Path, checkpoint: Checkpoint, stored: str) -> int:
    """Compare the embedding matrices that were written with those of the checkpoint; returns their number."""
    variables = read_variables(made / "model.bin")
    output = checkpoint.input if checkpoint.tied or checkpoint.output is None else checkpoint.output
    for name, table in (("decoder/embeddings", checkpoint.input), ("decoder/projection", output)):
        written = variables.get(f"{name}/weight")
        compare = _same_steps if stored == "int8" else _same_bits
        if written is None or not compare(written, variables.get(f"{name}/weight_scale"), table.map()):
            raise OutputError(
                f"CTranslate2 wrote other rows than those of {table.name}, so nothing was written: use "
                "another runtime"
            )
    return 2


def _same_bits(written: Variable, scale: Variable | None, table: Any) -> bool:
    rows = written.map()
    if scale is not None or rows.shape != table.shape:
        return False
    return all(
        np.array_equal(_bits(rows[part]), _bits(table[part].astype(np.float32).astype(rows.dtype)))
        for part in _blocks(len(rows))
    )


def _same_steps(written: Variable, scale: Variable | None, table: Any) -> bool:
    """Whether rows of int8 times the step of each row are the stored ones, within half a step."""
    rows = written.map()
    if scale is None or rows.shape != table.shape:
        return False
    scales = scale.map().astype(np.float64)
    for part in _blocks(len(rows)):
        steps = table[part].astype(np.float64) * scales[part, None]
        # The converter multiplies in float32.
        if np.abs(steps - rows[part]).max() > 0.5 + 1e-4:
            return False
    return True


def _bits(rows: Any) -> Any:
    return rows.view(f"u{rows.dtype.itemsize}")


def _blocks(rows: int, size: int = 8192) -> Iterator[slice]:
    return (slice(start, start + size) for start in range(0, rows, size))


def _compare_prompts(
    made: Path, directory: Path, tokens: list[str], checkpoint: Checkpoint
) -> tuple[int, int, float]:
    """Continue prompts of ids from all parts of the vocabulary with both programs, in float32."""
    ctranslate2: Any = need("ctranslate2", EXTRA)
    torch: Any = need("torch", EXTRA)
    from scipy.special import softmax

    draw = np.random.default_rng(0)
    prompts = draw.integers(0, checkpoint.input.rows, (_PROMPTS, _PROMPT)).tolist()
    with quiet_transformers(EXTRA), torch.no_grad():
        model = load_auto("AutoModelForCausalLM", directory, EXTRA, dtype="float32")
        expected = model(torch.tensor(prompts)).logits[:, -1].numpy()
        del model
    generator = ctranslate2.Generator(str(made), compute_type="float32")
    named = [[tokens[index] for index in prompt] for prompt in prompts]
    found = np.array(generator.forward_batch(named).to_device(ctranslate2.Device.cpu))[:, -1]
    likeliest = found.argmax(-1)
    same = sum(row[index] > row.max() - _NEAR for row, index in zip(expected, likeliest, strict=True))
    apart = np.abs(softmax(found, axis=-1) - softmax(expected, axis=-1)).sum(-1).max() / 2
    return len(prompts), int(same), round(float(apart), 6)


def _judge(compared: tuple[int, int, float], stored: str, own: str, progress: Progress) -> None:
    """Prompts that are continued otherwise: to be expected where bits were dropped, else refused or noted."""
    prompts, same, apart = compared
    whole = stored in (own, "f32")
    if same < prompts and whole:
        raise OutputError(
            f"CTranslate2 continues {prompts - same} of {prompts} prompts otherwise than transformers, both "
            "in float32, so nothing was written: use another runtime"
        )
    if same < prompts:
        progress.note(
            f"With {stored} instead of {own}, {prompts - same} of {prompts} prompts are continued with "
            "another token."
        )
    elif whole and apart > _ALIKE:
        progress.note(
            f"CTranslate2 finds the same next tokens as transformers, but gives them other probabilities "
            f"({100 * apart:.0f} % of the mass elsewhere): it leaves out a setting of this model, such as a "
            "soft cap of logits. Text that is sampled will differ."
        )
