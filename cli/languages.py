"""vocabx languages: the languages with a default text, and what is installed of them."""

from dataclasses import asdict
from typing import Annotated

from .known_table import AS_JSON, marked, print_table
from .plain_line import json_line


def languages(as_json: Annotated[bool, AS_JSON] = False) -> None:
    """List the languages that have a profile: default text, word frequencies, dictionary, word vectors."""
    from vocabx.commands.languages.run import languages as run

    found = run()
    if as_json:
        print(json_line({"languages": [asdict(one) for one in found]}))
        return
    rows = [
        (
            one.tag,
            one.name,
            ", ".join(one.scripts),
            marked(one.text, one.text_installed),
            marked("wordfreq" if one.words else "", one.words_installed),
            marked(one.dictionary, one.dictionary_installed),
            marked("packaged" if one.vectors else "", one.vectors_installed),
        )
        for one in found
    ]
    print_table(
        (
            "tag",
            "language",
            "scripts",
            "default text",
            "words",
            "dictionary",
            "word vectors",
        ),
        rows,
        "For any other language, pass --corpus with text in it.",
    )
