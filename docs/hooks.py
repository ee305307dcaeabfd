"""What MkDocs is told beyond mkdocs.yml: pages from outside docs/, links, and the options of commands."""

import re
from collections.abc import Iterator
from dataclasses import MISSING, fields
from pathlib import Path
from posixpath import basename, dirname, join, normpath, relpath
from typing import Any, Literal, get_args, get_origin, get_type_hints

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

import vocabx
from vocabx._util.options import about

ROOT = Path(__file__).resolve().parent.parent
# Pages of the site by the file of the repository that they are made of.
PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "benchmarks/results/README.md": "figures.md",
}
# A link or an image; code is matched first, so that nothing inside of it is.
_CODE_OR_LINK = re.compile(
    r"(?P<code>```.*?```|`[^`\n]*`)|(?P<text>!?\[[^\]]*\])\((?P<to>[^)\s]+)\)", re.DOTALL
)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages of `PAGES` with the images that they show, and the reference of the commands."""
    files.append(File.generated(config, "reference/commands.md", content="\n".join(_commands())))
    for source, page in PAGES.items():
        content = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=content))
        for found in _CODE_OR_LINK.finditer(content):
            image = _in_repository(source, found["to"] or "")
            if (found["text"] or "").startswith("!") and not image.startswith("docs/"):
                files.append(File.generated(config, _name_of(image), abs_src_path=str(ROOT / image)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let links point where their targets are in the site; what is not in it is named without a link."""
    here = page.file.src_uri
    source = next((path for path, made in PAGES.items() if made == here), f"docs/{here}")

    def moved(found: re.Match[str]) -> str:
        if found["code"] or re.match(r"[a-z]+:|#", found["to"]):
            return found[0]
        target, mark, anchor = found["to"].partition("#")
        path = _in_repository(source, target)
        name = PAGES.get(path, path.removeprefix("docs/") if path.startswith("docs/") else _name_of(path))
        if files.get_file_from_path(name) is None:
            return f"{found['text'][1:-1]} (`{path}`)"
        return f"{found['text']}({relpath(name, dirname(here) or '.')}{mark}{anchor})"

    return _CODE_OR_LINK.sub(moved, markdown)


def _commands() -> Iterator[str]:
    """The reference of the commands: static analysis does not see the help of an option."""
    yield "# The commands"
    yield "Each command of the shell is a function of `vocabx`, with a class of options and one of results."
    names = vocabx.__all__
    further = [name for name in names if name.endswith("Result")]
    # fit_mixture is the function of `vocabx mixture`.
    titles = {name: name.removeprefix("fit_").title().replace("_", "") for name in names}
    for command in (name for name in names if f"{titles[name]}Options" in names):
        options, result = f"{titles[command]}Options", f"{titles[command]}Result"
        yield f"\n::: vocabx.{command}\n    options: {{heading_level: 2}}\n"
        yield f"### {options} {{ #vocabx.{options} }}\n"
        yield from _options(getattr(vocabx, options))
        yield f"\n::: vocabx.{result}\n"
        further.remove(result)
    yield "\n## Results of exports to other formats\n"
    for name in further:
        yield f"::: vocabx.{name}\n"
    yield "\n## What vocabx knows, and factorized checkpoints\n"
    for name in ("languages", "KnownLanguage", "bases", "KnownBase", "load_factorised"):
        yield f"::: vocabx.{name}\n"
    yield "\n## Progress and errors\n"
    for name in ("Progress", *(name for name in names if name.endswith("Error"))):
        yield f"::: vocabx.{name}\n"


def _options(kind: type) -> Iterator[str]:
    """A line for each option of a command, as the parameters of a function are listed."""
    types = get_type_hints(kind)
    for field in fields(kind):  # type: ignore[arg-type]
        # The command line is for the manifest.
        if field.name != "command":
            given = "" if field.default is MISSING else f", default: `{_plain(field.default)}`"
            yield f"- **`{field.name}`** (`{_type(types[field.name])}`{given}) – {about(field).help}"


def _type(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return " | ".join(repr(choice) for choice in get_args(kind))
    return (
        kind.__name__ if isinstance(kind, type) and not get_args(kind) else str(kind).replace("pathlib.", "")
    )


def _plain(value: Any) -> str:
    return repr(str(value)) if isinstance(value, Path) else repr(value)


def _in_repository(source: str, target: str) -> str:
    return normpath(join(dirname(source), target))


def _name_of(image: str) -> str:
    """Where an image from outside docs/ is in the site."""
    return f"images/{basename(image)}"
