"""The table of `vocabx verify --runtimes`."""

from vocabx.cli.runtime_table import print_runtimes

from vocabx.runtimes.reading import Row


def test_strings_that_count_as_new_are_shown_beside_those_of_the_base(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    new = {"ids": 129, "base_ids": 19, "new_ids": 110, "decoded": 1, "base_decoded": 1, "new_decoded": 0}
    right = {"ids": 9, "base_ids": 0, "new_ids": 9, "decoded": 0, "base_decoded": 0, "new_decoded": 0}
    print_runtimes(
        [
            Row("one", "1.0", "", "DIFFERS", 400, **new),
            Row("two", "2.0", "", "DIFFERS", 400, **right),
            Row("three", "3.0", "", "differs with the base", 400, ids=7, base_ids=7, new_ids=0),
        ]
    )
    lines = capsys.readouterr().out.splitlines()
    one, two, three = (next(line for line in lines if f"{name} " in line) for name in ("one", "two", "three"))
    assert "129 (base 19, 110 new)" in one and "1 (base 1)" in one
    assert "9 (9 new)" in two and "DIFFERS" in two
    assert "7 (base 7)" in three and "new" not in three
