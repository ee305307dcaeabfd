import subprocess
import sys

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from vocabx.errors import VectorsError
from vocabx.vectors.split_words import learned_segmenter
from vocabx.vectors.words import words_of


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("It's 3.14, isn't it?", ["It's", "3", "14", "isn't", "it"]),
        ("Straßen-Bahn „Größe“", ["Straßen", "Bahn", "Größe"]),
        ("नमस्ते दुनिया।", ["नमस्ते", "दुनिया"]),
        ("می\u200cخواهم بروم", ["می\u200cخواهم", "بروم"]),
        ("l’homme 'quoted'", ["l’homme", "quoted"]),
        ("... !", []),
    ],
)
def test_words_in_scripts_with_spaces(line, words):
    assert words_of(line, "spaces") == words


def test_traditional_chinese_has_the_word_boundaries_of_its_simplified_form():
    assert words_of("憲法法庭審理人民聲請案件。", "jieba") == ["憲法", "法庭", "審理", "人民", "聲請", "案件"]
    assert words_of("宪法法庭审理人民声请案件。", "jieba") == ["宪法", "法庭", "审理", "人民", "声请", "案件"]


def test_scripts_without_spaces_are_split_between_grapheme_clusters():
    assert words_of("ที่นี่ ดี", "none") == ["ที่", "นี่", "ดี"]


def test_an_unknown_segmentation_is_refused():
    with pytest.raises(VectorsError, match="unknown segmentation 'icu': use spaces, jieba or none"):
        words_of("a", "icu")


@pytest.mark.parametrize("segmentation", ["spaces", "jieba", "none"])
@settings(max_examples=100, deadline=None)
@given(st.text("aé'中國裡发髮ที่कि\u200d 。\n0", max_size=30))
def test_no_letter_is_lost_and_none_is_added(segmentation, line):
    kept = regex.compile(r"[\p{L}\p{N}]+")
    found = "".join(words_of(line, segmentation))
    assert "".join(kept.findall(found)) == "".join(kept.findall(line))


def test_splitting_chinese_is_silent_and_caches_in_our_directory(tmp_path):
    code = "from vocabx.vectors.words import words_of; print(words_of('起初神創造天地', 'jieba'))"
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env={"VOCABX_CACHE": str(tmp_path), "TMPDIR": str(tmp_path / "none")},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0 and ran.stderr == ""
    assert [path.name for path in tmp_path.iterdir()] == ["jieba.cache"]


def test_pieces_of_a_script_without_spaces_are_learned_from_the_text(verses):
    split = learned_segmenter(verses, 3000)
    words = split(verses[0])
    assert "".join(words) == "".join(words_of(verses[0], "none"))
    assert len(words) < 0.8 * len(verses[0])
    assert learned_segmenter(verses, 3000)(verses[7]) == split(verses[7])


def test_learning_pieces_from_no_text_is_refused():
    with pytest.raises(VectorsError, match="too small"):
        learned_segmenter([])
