"""Pages made of the templates in assets/report, which may include parts of each other. Knows no numbers.

`{% include "style.css.html" %}` inside a `<style>` element gives a page the common style.
"""

from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined


def render_template(name: str, values: Mapping[str, Any], filters: Mapping[str, Callable[..., Any]]) -> str:
    """Fill a template of assets/report. Texts are escaped, unless they are `markupsafe.Markup`.

    Args:
        name: of the template's file, as "page.html".
        values: the variables that it names.
        filters: the filters that it uses, beside those of jinja2.

    Raises:
        jinja2.UndefinedError: the template names a variable that is not there.
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
    """`text` with its control characters as pictures; with `keep_lines`, line ends also end lines."""
    shown = "".join(chr(0x2400 + ord(c)) if c < " " and c not in "\n\t" else c for c in text)
    return shown.replace("\t", "⇥").replace("\n", "↵\n" if keep_lines else "↵")
