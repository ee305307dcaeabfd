"""Rendering of the page templates in assets/report, which may include each other.

`{% include "style.css.html" %}` inside a `<style>` element gives a page the common style.
"""

from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined


def render_template(name: str, values: Mapping[str, Any], filters: Mapping[str, Callable[..., Any]]) -> str:
    """Render a template of assets/report. Strings are escaped unless they are `markupsafe.Markup`.

    Args:
        name: file name of the template, such as "page.html".
        values: the variables that it uses.
        filters: the filters that it uses, besides those of jinja2.

    Raises:
        jinja2.UndefinedError: the template uses a variable that is not defined.
    """
    assets = files("vocabx.assets") / "report"
    environment = Environment(
        loader=FunctionLoader(lambda part: (assets / part).read_text(encoding="utf-8")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= filters
    return environment.get_template(name).render(values)


def visible(text: str, keep_lines: bool = False) -> str:
    """`text` with visible symbols for its control characters; with `keep_lines`, line breaks also stay."""
    shown = "".join(chr(0x2400 + ord(c)) if c < " " and c not in "\n\t" else c for c in text)
    return shown.replace("\t", "⇥").replace("\n", "↵\n" if keep_lines else "↵")
