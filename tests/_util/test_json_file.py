"""Our JSON files and others', damaged in every way: read, or refused in one sentence that names the file."""

import json
import math
import os
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from manifests import small_manifest

from vocabx._util.json_file import Count, Written, fit, read_fields, read_format, read_lines, read_object
from vocabx.checkpoint.journal import NAME as JOURNAL
from vocabx.checkpoint.journal import read_journal
from vocabx.checkpoint.manifest import WeightFile, read_manifest
from vocabx.errors import BaseModelError, OutputError, TrainingError, VocabxError
from vocabx.training.metrics import METRICS, read_metrics

REMEDY = "write it again"


class Inner(Written, frozen=True, omit_defaults=True):
    tokens: Count
    share: float
    name: str | None = None


class Outer(Written, frozen=True):
    sizes: Inner
    parts: tuple[Inner, ...]
    tables: dict[str, str]


GOOD = {
    "sizes": {"tokens": 7, "share": 0.5},
    "parts": [{"tokens": 1, "share": 1, "name": "a"}],
    "tables": {"embed": "00"},
}


def said(read, path: Path, *arguments: Any) -> str:
    """The sentence of a refusal, without the path that it begins with."""
    with pytest.raises(BaseModelError) as caught:
        read(path, *arguments, BaseModelError, REMEDY)
    message = check_sentence(caught.value, path.name)
    assert message.startswith(f"{path} ") and message.endswith(REMEDY)
    return message.removeprefix(f"{path} ").removesuffix(REMEDY)[:-2]


def check_sentence(error: VocabxError, name: str) -> str:
    message = str(error)
    assert len(message) <= 300 and name in message
    assert all(character.isprintable() for character in message)
    return message


def written(directory: Path, content: bytes | str) -> Path:
    path = directory / "f.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_a_whole_file_is_its_fields(tmp_path):
    found = read_fields(written(tmp_path, json.dumps(GOOD)), Outer, BaseModelError, REMEDY)
    assert found == Outer(Inner(7, 0.5), (Inner(1, 1.0, "a"),), {"embed": "00"})
    assert json.loads(json.dumps(found.plain())) == GOOD


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"{", "is not JSON"),
        (b"\xff", "is not JSON"),
        (b'{"a": "\xff"}', "is not JSON"),
        (b"\xef\xbb\xbf{}", "is not JSON"),
        (b"NaN", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b'{"sizes": 1e999}', "is not JSON"),
        (b"9" * 5000, "is not JSON"),
        (b"{} {}", "is not JSON"),
        (b"[]", "is damaged: expected an object, got a list"),
        (b"5", "is damaged: expected an object, got an integer"),
        (b"null", "is damaged: expected an object, got null"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_what_is_no_file_of_ours_is_told(tmp_path, content, says):
    assert said(read_fields, written(tmp_path, content), Outer) == says


@pytest.mark.parametrize(
    ("place", "value", "says"),
    [
        (("sizes", "tokens"), "7", "is damaged at sizes.tokens: expected an integer, got a string"),
        (("sizes", "tokens"), 7.0, "is damaged at sizes.tokens: expected an integer, got a number"),
        (("sizes", "tokens"), True, "is damaged at sizes.tokens: expected an integer, got true or false"),
        (("sizes", "tokens"), -1, "is damaged at sizes.tokens: expected an integer of at least 0"),
        (("sizes", "share"), "x", "is damaged at sizes.share: expected a number, got a string"),
        (("sizes", "name"), 5, "is damaged at sizes.name: expected a string or null, got an integer"),
        (("sizes", "other"), 5, "is damaged at sizes.other: no such field is known"),
        (("other",), 5, "is damaged at other: no such field is known"),
        (("parts", 0, "tokens"), None, "is damaged at parts[0].tokens: expected an integer, got null"),
        (("parts",), {}, "is damaged at parts: expected a list, got an object"),
        (("tables", "embed"), 0, "is damaged at tables[…]: expected a string, got an integer"),
        (("a`b\n" * 50,), 0, f"is damaged at {('a`b�' * 50)[:59]}…: no such field is known"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_field_that_does_not_fit_is_named(tmp_path, place, value, says):
    content = json.loads(json.dumps(GOOD))
    *inner, last = place
    part = content
    for key in inner:
        part = part[key]
    part[last] = value
    assert said(read_fields, written(tmp_path, json.dumps(content)), Outer) == says


@pytest.mark.parametrize("place", [("sizes",), ("sizes", "tokens"), ("parts", 0, "share"), ("tables",)])
def test_a_field_that_is_missing_is_named(tmp_path, place):
    content = json.loads(json.dumps(GOOD))
    *inner, last = place
    part = content
    for key in inner:
        part = part[key]
    del part[last]
    named = ".".join(map(str, place)).replace(".0", "[0]")
    assert said(read_fields, written(tmp_path, json.dumps(content)), Outer) == (
        f"is damaged at {named}: it is missing"
    )


def test_a_file_that_cannot_be_opened_is_told(tmp_path, monkeypatch):
    path = tmp_path / "f.json"
    for read in (read_object, lambda *all: read_fields(all[0], Outer, *all[1:])):
        assert said(read, path) == "is not there"
    path.mkdir()
    assert said(read_object, path) == "is no file"
    path.rmdir()
    os.mkfifo(path)
    assert said(read_object, path) == "is no file"
    path.unlink()
    path.symlink_to(tmp_path / "gone")
    assert said(read_object, path) == "is not there"

    def forbidden(path):
        raise PermissionError(13, "Permission denied")

    path.unlink()
    path.write_text("{}")
    monkeypatch.setattr(Path, "read_bytes", forbidden)
    assert said(read_object, path) == "cannot be read: Permission denied"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{}", "is damaged at format: it is missing"),
        ('{"format": null}', "is damaged at format: expected an integer, got null"),
        ('{"format": "1"}', "is damaged at format: expected an integer, got a string"),
        ('{"format": true}', "is damaged at format: expected an integer, got true or false"),
        ("[1]", "holds a list, not a JSON object"),
    ],
)
def test_a_file_without_the_number_of_its_format_is_damaged(tmp_path, content, says):
    assert said(read_format, written(tmp_path, content), 1) == says


def test_a_file_of_another_format_is_of_another_version_and_not_damaged(tmp_path):
    assert read_format(written(tmp_path, '{"format": 1, "a": 2}'), 1, BaseModelError, REMEDY) == {"a": 2}
    path = written(tmp_path, '{"format": 2, "unheard of": 1}')
    with pytest.raises(BaseModelError) as caught:
        read_format(path, 1, BaseModelError, REMEDY)
    assert str(caught.value) == (
        f"{path} was written by another version of vocabx, in format 2 and not 1: use that version, or "
        f"{REMEDY}"
    )


def test_of_a_long_path_the_end_is_shown(tmp_path):
    deep = tmp_path.joinpath(*["directory-of-a-long-name"] * 20)
    deep.mkdir(parents=True)
    path = written(deep, "[")
    with pytest.raises(BaseModelError) as caught:
        read_object(path, BaseModelError, REMEDY)
    message = check_sentence(caught.value, "directory-of-a-long-name/f.json")
    assert message.startswith("…") and message.endswith(f"is not JSON: {REMEDY}")


def test_files_of_others_may_hold_what_ours_may_not(tmp_path):
    content = read_object(written(tmp_path, '{"limits": [0.0, Infinity], "x": NaN}'), BaseModelError, REMEDY)
    assert content["limits"][1] == math.inf and math.isnan(content["x"])
    for damage, says in (
        (b"[1]", "holds a list, not a JSON object"),
        (b"NaN", "holds a number, not a JSON object"),
        (b'{"a": "\xff"}', "is not UTF-8 text"),
        (b"[" * 100_000, "is not JSON"),
        (b"9" * 5000, "is not JSON"),
    ):
        assert said(read_object, written(tmp_path, damage)) == says


def test_lines_are_read_up_to_one_that_a_crash_cut_short(tmp_path):
    def lines(content: bytes):
        return read_lines(written(tmp_path, content), lambda line: Inner, BaseModelError, REMEDY)

    whole = b'{"tokens": 1, "share": 0.5}\n'
    assert lines(b"") == []
    assert lines(whole) == lines(whole + whole[:9]) == lines(whole[:-1]) == [Inner(1, 0.5)]
    assert lines(whole + b"\0\0\0") == [Inner(1, 0.5)]
    for damaged, says in (
        (whole[:9] + whole, "is damaged at line 1: it is not JSON"),
        (whole + whole[:9] + b"\n", "is damaged at line 2: it is not JSON"),
        (whole + b"[1]", "is damaged at line 2: expected an object, got a list"),
        (whole + b"5\n" + whole, "is damaged at line 2: expected an object, got an integer"),
        (whole + b'{"tokens": 1}\n', "is damaged at line 2, share: it is missing"),
    ):
        reading = (lambda line: Inner, BaseModelError, REMEDY)
        with pytest.raises(BaseModelError) as caught:
            read_lines(written(tmp_path, damaged), *reading)
        assert str(caught.value) == f"{tmp_path / 'f.json'} {says}; {REMEDY}"


def test_a_float_of_numpy_is_plain_as_a_number():
    assert json.dumps(Inner(1, np.float64(0.1)).plain()) == '{"tokens": 1, "share": 0.1}'


# Random damage.

_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
_MANIFEST = {
    "format": 1,
    **small_manifest(shards={"model.safetensors": WeightFile(8, ("embed",), True, "00")}).plain(),
    "training": {},
}
_LINES = (
    {"step": 0, "tokens": 0, "target_bits": 2.5, "seconds": 0.1},
    {
        "step": 1, "loss": 7.0, "bits_per_byte": 2.5, "grad_norm": 1.0, "tokens": 500, "seconds": 1.5,
        "tokens_per_second": 333.0, "rates": {"rows": 1e-3},
    },
    {"job": "0"},
    {"file": "model.safetensors", "bytes": 8},
)  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn, content: Any) -> bytes:
    """The bytes of a JSON file with one place of it changed, or some of its bytes."""
    content = json.loads(json.dumps(content))
    places = list(_places(content))
    for _ in range(draw(st.integers(0, 2))):
        part, key = draw(st.sampled_from(places))
        if isinstance(part, list) and key >= len(part):
            continue
        match draw(st.sampled_from(("replace", "remove", "add"))):
            case "replace":
                part[key] = draw(_VALUES)
            case "remove" if isinstance(part, dict):
                part.pop(key, None)
            case _ if isinstance(part, dict):
                part[draw(st.text(max_size=80))] = draw(_VALUES)
    data = json.dumps(content, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")
    if draw(st.booleans()):
        return data
    start = draw(st.integers(0, len(data)))
    length = draw(st.integers(0, len(data)))
    return data[:start] + draw(st.binary(max_size=8)) + data[start + length :]


def _places(content: Any):
    if isinstance(content, dict | list):
        for key in range(len(content)) if isinstance(content, list) else list(content):
            yield content, key
            yield from _places(content[key])


def read_or_refuse(read, path: Path, data: bytes, error: type[VocabxError]) -> Any:
    path.write_bytes(data)
    try:
        return read(path.parent)
    except error as refused:
        check_sentence(refused, path.name)
        return None


_FAST = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@_FAST
@given(data=damaged(_MANIFEST))
def test_a_damaged_manifest_is_read_or_refused_and_what_is_read_can_be_written(tmp_path, data):
    found = read_or_refuse(read_manifest, tmp_path / "vocabx.json", data, BaseModelError)
    if found is not None:
        found.write(tmp_path)
        assert read_manifest(tmp_path) == found


@_FAST
@given(lines=st.lists(st.sampled_from(_LINES).flatmap(damaged), max_size=4))
def test_damaged_lines_are_read_or_refused(tmp_path, lines):
    data = b"\n".join(lines)
    read_or_refuse(read_metrics, tmp_path / METRICS, data, TrainingError)
    read_or_refuse(read_journal, tmp_path / JOURNAL, data, OutputError)


@_FAST
@given(data=damaged({"weight_map": {"a": "b"}, "metadata": {"total_size": 3}}))
def test_a_damaged_file_of_others_is_an_object_or_refused(tmp_path, data):
    path = tmp_path / "f.json"

    class Index(msgspec.Struct):
        weight_map: dict[str, str]

    def read(directory: Path) -> Index:
        content = read_object(directory / "f.json", BaseModelError, REMEDY)
        return fit(directory / "f.json", content, Index, BaseModelError, REMEDY)

    read_or_refuse(read, path, data, BaseModelError)
