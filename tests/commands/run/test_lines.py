"""The lines of tables and keys, where something that looks like one is none."""

import tomllib

from vocabx.commands.run.lines import lines_of

TEXT = '''\
# [comment]
base = "x"  # lang = "y"
"quoted key" = 1

[ text ]
corpus = [
  "a.txt",
  """
[train]
steps = 3
""",
]
after = 'x'
dotted.one = 1
dotted.two = 2
[[list]]
first = 1
[[list]]
first = 2
["extend"]
inline = { a = 1, b = [
] }
last = true'''


def test_every_table_and_key_has_the_line_on_which_it_begins():
    tomllib.loads(TEXT)
    lines = lines_of(TEXT)
    assert lines == {
        ("base",): 2,
        ("quoted key",): 3,
        ("text",): 5,
        ("text", "corpus"): 6,
        ("text", "after"): 13,
        ("text", "dotted"): 14,
        ("text", "dotted", "one"): 14,
        ("text", "dotted", "two"): 15,
        ("list",): 16,
        ("list", "first"): 17,
        ("extend",): 20,
        ("extend", "inline"): 21,
        ("extend", "last"): 23,
    }


def test_lines_end_as_the_system_that_wrote_them_ends_them():
    assert lines_of("a = 1\r\n\r\n[b]\r\nc = 2\r\n") == {("a",): 1, ("b",): 3, ("b", "c"): 4}
    assert lines_of('a = "\u2028"\nb = 1\n') == {("a",): 1, ("b",): 2}
