"""Damage to files: seeded changes of the bytes of JSON, of weights, of text, and of what stands at a name."""

import json
import os
import struct
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

# A change of bytes, and one of what stands at a path.
Change = Callable[[bytes, Random], bytes]
Placed = Callable[[Path], None]


class Raw(float):
    """A number that JSON text may hold and Python's floats do not keep."""


_DEEP: list[Any] = []
for _ in range(300):
    _DEEP = [_DEEP]
ODD: dict[str, Any] = {
    "null": None,
    "true": True,
    "zero": 0,
    "negative": -1,
    "fraction": 0.5,
    "huge": 10**30,
    "billion": 10**9,
    "thousands of digits": 10**4000,
    "NaN": float("nan"),
    "infinity": float("inf"),
    "empty string": "",
    "long string": "x" * 20_000,
    "control characters": "\0\x1b[2J\r\n",
    "surrogate": "\ud800",
    "right to left": "\u202ename",
    "number in a string": "12",
    "path": "../../etc/passwd",
    "empty list": [],
    "list": [1, "a", None, {"b": []}],
    "list of lists": [[[1]], [2]],
    "empty object": {},
    "object": {"content": 5, "id": "a"},
    "nested": _DEEP,
}


def places(content: Any, random: Random, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The places of a JSON document; of long lists and objects only a few."""
    found: list[tuple[Any, ...]] = []
    if isinstance(content, dict):
        keys: list[Any] = list(content)
    elif isinstance(content, list):
        keys = list(range(len(content)))
    else:
        return found
    for key in keys if len(keys) <= 40 else random.sample(keys, 3):
        found += [(*at, key), *places(content[key], random, (*at, key))]
    return found


def _changed(data: bytes, random: Random, change: Callable[[Any, Any], None]) -> bytes:
    """One document, or one line of a file of lines, with a change at one place."""
    text = data.decode()
    lines = text.splitlines() if "\n{" in text.strip() and not text.startswith("{\n") else [text]
    number = random.randrange(len(lines))
    content = json.loads(lines[number])
    found = places(content, random)
    if not found:
        return b"5"
    # Each depth as often as any other: most places are deep.
    depth = random.choice(sorted({len(place) for place in found}))
    *inner, last = random.choice([place for place in found if len(place) == depth])
    part = content
    for key in inner:
        part = part[key]
    change(part, last)
    lines[number] = json.dumps(content)
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def _odd(value: Any) -> Change:
    return lambda data, random: _changed(data, random, lambda part, key: part.__setitem__(key, value))


def _lacks(data: bytes, random: Random) -> bytes:
    return _changed(data, random, lambda part, key: part.pop(key))


def _twice(data: bytes, random: Random) -> bytes:
    content = json.loads(data.decode().splitlines()[0] if data.count(b"\n{") else data)
    key = random.choice(sorted(content)) if isinstance(content, dict) and content else "a"
    first = f"{{{json.dumps(key)}: {random.choice(['5', 'null', '[]', chr(34) * 2])}"
    return (first + ", " + json.dumps(content)[1:]).encode() if len(content) else first.encode() + b"}"


def _truncated(data: bytes, random: Random) -> bytes:
    return data[: random.randrange(len(data))] if data else data


def _flipped(data: bytes, random: Random) -> bytes:
    if not data:
        return data
    changed = bytearray(data)
    for _ in range(8):
        changed[random.randrange(min(len(changed), 4096))] = random.randrange(256)
    return bytes(changed)


BYTES: dict[str, Change] = {
    "empty": lambda data, random: b"",
    "one byte": lambda data, random: b"\xff",
    "NULs": lambda data, random: bytes(1000),
    "binary": lambda data, random: random.randbytes(3000),
    "truncated": _truncated,
    "flipped": _flipped,
    "BOM": lambda data, random: b"\xef\xbb\xbf" + data,
    "UTF-16": lambda data, random: data.decode("utf-8", "replace").encode("utf-16"),
    "twice": lambda data, random: data + data,
}
JSON: dict[str, Change] = {
    **{f"a field is {name}": _odd(value) for name, value in ODD.items()},
    "a field is missing": _lacks,
    "a field is stated twice": _twice,
    "is nested": lambda data, random: b"[" * 100_000,
    "objects nested": lambda data, random: b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "is a list": lambda data, random: b"[]",
    "is an empty object": lambda data, random: b"{}",
    "is null": lambda data, random: b"null",
    "is a string": lambda data, random: b'"' + b"x" * 5000 + b'"',
    "is NaN": lambda data, random: b"NaN",
    "is a long number": lambda data, random: b"9" * 6000,
}


def _header(change: Callable[[dict[str, Any], Random], Any]) -> Change:
    """A change of the header of a safetensors file."""

    def changed(data: bytes, random: Random) -> bytes:
        (length,) = struct.unpack("<Q", data[:8])
        header = json.loads(data[8 : 8 + length])
        result = change(header, random)
        text = json.dumps(header if result is None else result).encode()
        return struct.pack("<Q", len(text)) + text + data[8 + length :]

    return changed


def _any_tensor(header: dict[str, Any], random: Random) -> dict[str, Any]:
    tensor: dict[str, Any] = header[random.choice(sorted(set(header) - {"__metadata__"}))]
    return tensor


def _entry(key: str, value: Any) -> Change:
    return _header(lambda header, random: _any_tensor(header, random).__setitem__(key, value))


def _with_length(length: int) -> Change:
    return lambda data, random: struct.pack("<Q", length) + data[8:]


WEIGHTS: dict[str, Change] = {
    "a header of 2^63 bytes": _with_length(2**63),
    "a header of no bytes": _with_length(0),
    "a header of a gigabyte": _with_length(10**9),
    "a huge shape": _entry("shape", [10**9, 10**9]),
    "a negative shape": _entry("shape", [-1, -600]),
    "a shape of 40 dimensions": _entry("shape", [1] * 40),
    "a shape of no numbers": _entry("shape", ["a", None]),
    "a shape that is no list": _entry("shape", 5),
    "an empty shape": _entry("shape", []),
    "an unknown dtype": _entry("dtype", "F3"),
    "a dtype that is a list": _entry("dtype", ["BF16"]),
    "an integer dtype": _entry("dtype", "I16"),
    "offsets behind the end": _entry("data_offsets", [10**12, 10**12 + 4]),
    "offsets backwards": _entry("data_offsets", [4, 0]),
    "offsets of 10^30": _entry("data_offsets", [0, 10**30]),
    "offsets of strings": _entry("data_offsets", ["0", "4"]),
    "three offsets": _entry("data_offsets", [0, 1, 2]),
    "a tensor that is a number": _header(lambda header, random: header.__setitem__(min(header), 5)),
    "metadata that is a list": _header(lambda header, random: header.__setitem__("__metadata__", [1])),
    "metadata of numbers": _header(lambda header, random: header.__setitem__("__metadata__", {"a": 1})),
    "a header that is a list": _header(lambda header, random: [header]),
    "no tensors": lambda data, random: struct.pack("<Q", 2) + b"{}",
    "a tensor without a name": _header(
        lambda header, random: header.__setitem__("", header.pop(max(header)))
    ),
    "a tensor with a name of control characters": _header(
        lambda header, random: header.__setitem__("\x1b[2J" * 200, header.pop(max(header)))
    ),
    "NaN in all weights": lambda data, random: data[:9000] + b"\xff" * (len(data) - 9000),
    "infinity in all weights": lambda data, random: (
        data[:9000] + (b"\x80\x7f" * len(data))[: len(data) - 9000]
    ),
}
TEXT: dict[str, Change] = {
    "no text": lambda data, random: b"\n \n\t\n",
    "one letter": lambda data, random: "文".encode(),
    "a line of a megabyte": lambda data, random: "文".encode() * 350_000,
    "unpaired surrogates": lambda data, random: b"\xed\xa0\x80" * 3000,
    "control characters": lambda data, random: bytes(range(32)) * 200,
    "marks without letters": lambda data, random: ("\u0301" * 5000).encode(),
    "emoji": lambda data, random: ("\U0001f468\u200d\U0001f469" * 3000).encode(),
    "private characters": lambda data, random: ("\ue000\U0010fffd" * 3000).encode(),
    "records of numbers": lambda data, random: b'{"text": 5}\n' * 500,
    "records of lists": lambda data, random: b'{"text": [[["a"]]]}\n' * 500,
    "records of nothing": lambda data, random: b"{}\n" * 500,
    "nested records": lambda data, random: (b"[" * 50_000 + b"\n") * 2,
    "a huge number": lambda data, random: b'{"text": ' + b"9" * 9000 + b"}\n",
    "lone surrogates in records": lambda data, random: b'{"text": "\\ud800"}\n' * 500,
    "NULs in records": lambda data, random: b'{"text": "\\u0000\\u6587"}\n' * 500,
    "gzip that is damaged": lambda data, random: b"\x1f\x8b" + random.randbytes(500),
}


def _removed(path: Path) -> None:
    path.unlink()


def _linked(target: str) -> Placed:
    def place(path: Path) -> None:
        path.unlink()
        path.symlink_to(target if target else path.name)

    return place


def _directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


NAMES: dict[str, Placed] = {
    "is missing": _removed,
    "is a directory": _directory,
    "is a fifo": _fifo,
    "is a link to itself": _linked(""),
    "is a link to nothing": _linked("nowhere"),
    "is a link to a device": _linked("/dev/zero"),
    "is a link to a file elsewhere": _linked("/etc/passwd"),
}
