"""Options hold only what fits: one sentence for anything else, the same from Python and from the shell."""

import dataclasses
import math
from pathlib import Path
from typing import Literal, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

import vocabx as api
from vocabx._util.options import about, flag

KINDS = {
    name.removesuffix("Options").lower(): getattr(api, name) for name in dir(api) if name.endswith("Options")
}
FIELDS = [
    pytest.param(kind, one.name, id=f"{command}-{one.name}")
    for command, kind in KINDS.items()
    for one in dataclasses.fields(kind)
]
NUMBERS = [
    pytest.param(command, one.name, id=f"{command}-{one.name}")
    for command, kind in KINDS.items()
    for one in dataclasses.fields(kind)
    if {int, float} & {get_type_hints(kind)[one.name], *get_args(get_type_hints(kind)[one.name])}
]
CHOICES = [
    pytest.param(command, one.name, id=f"{command}-{one.name}")
    for command, kind in KINDS.items()
    for one in dataclasses.fields(kind)
    if get_origin(get_type_hints(kind)[one.name]) is Literal
]
# What the commands need besides the option that is wrong.
REQUIRED = {
    "extend": ("--lang", "zh-Hant"),
    "compare": ("--lang", "zh-Hant"),
    "transfer": ("--lang", "de", "--tokenizer", "gpt2"),
    "inspect": ("gpt2", "--lang", "hi"),
    "export": ("model", "--gguf", "model.gguf"),
    "push": ("model", "--to", "me/model"),
    "train": ("model",),
    "merge": ("model",),
    "mixture": ("model",),
    "playground": ("model",),
    "verify": ("model",),
    "doctor": ("model",),
    "evaluate": ("model",),
}
# No option of the shell in these commands.
NOT_IN_THE_SHELL = {"compare": ("factor_balance", "balance", "pad_to_multiple_of", "adversarial")}


def refusal(kind, **options) -> str:
    with pytest.raises(api.OptionError) as refused:
        kind(**options)
    sentence = str(refused.value)
    assert len(sentence) <= 300
    assert "\n" not in sentence
    assert isinstance(refused.value, api.VocabxError)
    return sentence


def wrong_values(kind, name) -> list[object]:
    wanted = get_type_hints(kind)[name]
    kinds = {wanted, *get_args(wanted)}
    values: list[object] = [object(), {}, b"x", {"a": 1}]
    values += [] if get_origin(wanted) is tuple else [["a"], ("a",)]
    values += [] if type(None) in kinds else [None]
    values += [] if kinds & {str, Path} or get_origin(wanted) in (tuple, Literal) else ["x"]
    if get_origin(wanted) is tuple:
        values += [3, [3], [None], {"a"}]
    if kinds & {int, float}:
        bounds = about(next(one for one in dataclasses.fields(kind) if one.name == name)).bounds
        values += [True, math.nan, math.inf, *([1.5] if float not in kinds else [])]
        for bound, value in bounds.items():
            values.append({"ge": value - 1, "gt": value, "le": value + 1, "lt": value}[bound])
    return values


@pytest.mark.parametrize(("kind", "name"), FIELDS)
def test_a_value_of_the_wrong_type_or_out_of_range_is_one_sentence(kind, name):
    for value in wrong_values(kind, name):
        assert refusal(kind, **{name: value}).startswith(f"{flag(name)} is ")


@pytest.mark.parametrize("kind", [pytest.param(kind, id=command) for command, kind in KINDS.items()])
def test_an_unknown_name_is_told_with_the_nearest(kind):
    name = dataclasses.fields(kind)[0].name
    assert f"Did you mean {name}?" in refusal(kind, **{f"{name}x": 1})
    with pytest.raises(api.OptionError, match="takes its options by name"):
        kind("x")


@pytest.mark.parametrize(("command", "name"), NUMBERS)
def test_the_shell_refuses_what_is_no_number_as_python_does(vocabx, tmp_path, monkeypatch, command, name):
    if name in NOT_IN_THE_SHELL.get(command, ()):
        assert vocabx(command, *REQUIRED[command], flag(name), "1").code == 2
        return
    monkeypatch.chdir(tmp_path)
    for value in ("abc", "", "nan", "--"):
        ran = vocabx(command, *REQUIRED[command], f"{flag(name)}={value}")
        given: object = math.nan if value == "nan" else value
        assert (ran.code, ran.err) == (2, f"error: {refusal(KINDS[command], **{name: given})}\n")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("command", "name"), CHOICES)
def test_the_shell_refuses_an_unknown_choice_as_python_does(vocabx, command, name):
    ran = vocabx(command, *REQUIRED[command], f"{flag(name)}=other")
    assert (ran.code, ran.err) == (2, f"error: {refusal(KINDS[command], **{name: 'other'})}\n")


def test_a_string_stands_for_a_list_of_itself_and_paths_for_strings():
    options = api.ExtendOptions(corpus="file.txt", base=Path("model"), out="x", base_text=[Path("a"), "b"])
    assert (options.corpus, options.base, options.out) == (("file.txt",), "model", Path("x"))
    assert options.base_text == ("a", "b")
    assert api.EvaluateOptions(directories="runs/demo").directories == (Path("runs/demo"),)


def test_a_corpus_that_is_one_string_means_that_file(small_extended, tmp_path):
    base, texts = small_extended(), small_extended.texts
    options = api.ExtendOptions(
        base=base, lang="zh-Hant", corpus=str(texts / "zh.jsonl"), base_text=str(texts / "en.txt"),
        out=str(tmp_path / "out"), new_tokens=10, adversarial=10, heldout_bytes=1000, evaluate=False,
    )  # fmt: skip
    assert str(texts / "zh.jsonl") in api.extend(options).report.corpus


@pytest.mark.parametrize(
    ("kind", "options", "says"),
    [
        ("extend", {"opencc": "s2twp"}, "--opencc converts the text of --corpus"),
        ("extend", {"factorised": True, "init": "ofa"}, "needs a rank"),
        (
            "extend",
            {"factorised": True, "init": "ofa", "rank": 8, "tokenizer_only": True},
            "pass one of them",
        ),
        ("extend", {"factor_balance": 0.5}, "--factor-balance has no effect without --factorised"),
        ("extend", {"private": True}, "--private"),
        ("extend", {"init": " , "}, "names no initializer"),
        ("extend", {"shared_vectors": "a", "dictionary": "b"}, "leave out --dictionary"),
        ("train", {"rows_first": 0.6, "decay": 0.5}, "--rows-first and --decay"),
        ("train", {"resume": True, "branch_from": "run"}, "pass one of them"),
        ("train", {"lora_tables": True, "method": "rows"}, "--lora-tables"),
        ("train", {"report_to": "wandb, excel"}, "not 'excel'"),
        ("train", {"opencc": "s2t"}, "--opencc"),
        ("evaluate", {"opencc": "s2t"}, "--opencc"),
        ("inspect", {"opencc": "s2t"}, "--opencc"),
    ],
)
def test_options_that_contradict_each_other_are_one_sentence(kind, options, says):
    assert says in refusal(KINDS[kind], **options)


# No size follows from these: a loss that becomes NaN ends a run in one sentence.
UNBOUNDED = {
    "boost", "lora_alpha", "max_grad_norm", "learning_rate", "rows_learning_rate",
    "composition_learning_rate",
}  # fmt: skip


@pytest.mark.parametrize(("command", "name"), NUMBERS)
def test_every_number_has_a_largest_value_that_a_machine_can_meet(command, name):
    kind = KINDS[command]
    known = about(next(one for one in dataclasses.fields(kind) if one.name == name))
    if name in UNBOUNDED:
        return
    largest = known.most or known.bounds.get("le", known.bounds.get("lt"))
    assert largest is not None
    said = refusal(kind, **{name: int(largest) + 1})
    assert said.startswith(f"{flag(name)} is ") and f"{largest:,}" in said.replace(
        str(largest), f"{largest:,}"
    )


@pytest.mark.parametrize("value", ["x" * 300, "x/" * 3000, "a\udcffb"])
def test_what_can_be_no_name_of_a_file_is_one_sentence(value):
    for kind, name in (("extend", "out"), ("extend", "base"), ("train", "directory"), ("push", "directory")):
        assert refusal(KINDS[kind], **{name: value}).startswith(f"{flag(name)} is ")
        assert refusal(KINDS[kind], **{name: Path(value)}).startswith(f"{flag(name)} is ")
    assert refusal(KINDS["extend"], corpus=["a", value]).startswith("--corpus is ")


def test_the_recorded_command_line_may_be_long():
    command = "vocabx extend --corpus " + "x" * 10_000
    assert api.ExtendOptions(command=command).command == command


@given(
    name=st.sampled_from([one.name for one in dataclasses.fields(api.ExtendOptions)]),
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=400) | st.binary(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=4,
    ),
)
def test_whatever_is_given_fits_or_is_one_sentence(name, value):
    try:
        options = api.ExtendOptions(**{name: value})
    except api.VocabxError as error:
        assert len(str(error)) <= 300 and "\n" not in str(error)
    else:
        assert dataclasses.replace(options) == options
