"""The license of a base model, as stated in its directory; nothing is guessed."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Names and links of the licenses of well-known bases, by identifier of the Hugging Face hub.
_KNOWN = {
    "apache-2.0": ("Apache License 2.0", "https://www.apache.org/licenses/LICENSE-2.0"),
    "mit": ("MIT License", "https://opensource.org/license/mit"),
    "llama2": ("Llama 2 Community License Agreement", "https://ai.meta.com/llama/license/"),
    "llama3": ("Meta Llama 3 Community License Agreement", "https://www.llama.com/llama3/license/"),
    "llama3.1": ("Llama 3.1 Community License Agreement", "https://www.llama.com/llama3_1/license/"),
    "llama3.2": ("Llama 3.2 Community License Agreement", "https://www.llama.com/llama3_2/license/"),
    "llama3.3": ("Llama 3.3 Community License Agreement", "https://www.llama.com/llama3_3/license/"),
    "gemma": ("Gemma Terms of Use", "https://ai.google.dev/gemma/terms"),
}
# The hub's identifier for any other license, which comes with a name and a link.
OTHER = "other"
_APACHE = re.compile(r"\s*Apache License\s+Version 2\.0, January 2004\b")
_MIT = re.compile(
    r"\s*(The )?MIT License( \(MIT\))?\s*\n[\s\S]{0,500}?Permission is hereby granted, free of charge"
)
_FRONT_MATTER = re.compile(r"\s*---[ \t]*\r?\n([\s\S]*?)\r?\n---[ \t]*(?:\r?\n|$)")
_BEGINNING = 4096


@dataclass(frozen=True)
class Licence:
    """A license, as far as it is known.

    Attributes:
        id: the identifier of the Hugging Face hub, such as "apache-2.0"; "other" if the hub has none; "" if
            the license is unknown.
        name: a readable name, or "".
        link: its text: a URL, or the name of a file next to the model, or "".
    """

    id: str = ""
    name: str = ""
    link: str = ""


def known_licence(identifier: str) -> Licence:
    """The license with a hub identifier, with name and link if well known."""
    name, link = _KNOWN.get(identifier, ("", ""))
    return Licence(identifier, name or ("" if identifier == OTHER else identifier), link)


def licence_of(directory: Path) -> Licence:
    """The license of the model in a directory.

    It is taken from the metadata of README.md. Without that, it is recognized by the beginning of the LICENSE
    files, if all of them are undoubtedly Apache-2.0 or MIT. Unreadable files are ignored.
    """
    return _stated(_metadata(directory / "README.md")) or _recognised(directory) or Licence()


def _metadata(readme: Path) -> dict[str, Any]:
    # The hub's own reader takes half a second to import.
    import yaml

    try:
        found = _FRONT_MATTER.match(readme.read_text(encoding="utf-8-sig"))
        metadata = yaml.safe_load(found[1]) if found else {}
    # Foreign YAML fails in many ways (encoding, syntax, dates, depth), and none of them matters here.
    except Exception:
        return {}
    return metadata if isinstance(metadata, dict) else {}


def _stated(metadata: dict[str, Any]) -> Licence | None:
    stated = metadata.get("license")
    ids = [_line(value).lower() for value in (stated if isinstance(stated, list) else [stated])]
    if not ids or not all(ids) or "unknown" in ids:
        return None
    if len(ids) > 1:
        return Licence(OTHER, " and ".join(ids))
    known = known_licence(ids[0])
    return Licence(
        known.id,
        _line(metadata.get("license_name")) or known.name,
        _line(metadata.get("license_link")) or known.link,
    )


def _line(value: Any) -> str:
    return " ".join(value.split())[:200] if isinstance(value, str) else ""


def _recognised(directory: Path) -> Licence | None:
    found = {_recognise(path) for path in directory.glob("LICENSE*") if path.is_file()}
    # If there are two licenses, it is unclear which one applies to the weights.
    if len(found) != 1 or "" in found:
        return None
    return known_licence(found.pop())


def _recognise(path: Path) -> str:
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as stream:
            beginning = stream.read(_BEGINNING)
    except OSError:
        return ""
    if _APACHE.match(beginning):
        return "apache-2.0"
    return "mit" if _MIT.match(beginning) else ""
