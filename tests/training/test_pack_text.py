import json
from dataclasses import replace

import pytest

from vocabx.corpus.clean import clean
from vocabx.corpus.sample import sample_corpus
from vocabx.corpus.source import user_source
from vocabx.errors import CorpusError
from vocabx.training.pack_text import Recipe, packed_text
from vocabx.training.packed import Ends


@pytest.fixture
def recipe(base):
    return Recipe(base, Ends(1, 2), 64, 10_000_000)


def sample(source, heldout=6000):
    return sample_corpus(source.open(), ("Han",), 2000, heldout, 0)


def decoded(packed, tokenizer):
    ids = [packed.sequence(number).ids.tolist() for number in range(len(packed))]
    return [tokenizer.decode(row) for row in ids]


def test_all_documents_but_the_held_out_ones_are_packed(chinese_file, recipe, base, tmp_path):
    source = user_source([str(chinese_file)], "text", "")
    corpus = sample(source)
    assert corpus.heldout_whole_documents
    packed = packed_text(source, corpus, recipe, tmp_path / "text")
    documents = [clean(json.loads(line)["text"]) for line in chinese_file.read_text("utf-8").splitlines()]
    apart = [d for d in documents if not corpus.without_heldout(d)]
    assert 0 < len(apart) < len(documents) / 5
    heldout = "\n".join(corpus.heldout)
    assert all(any(line in heldout for line in document.split("\n")) for document in apart)
    tokens = sum(len(ids) + 1 for ids in base.encode([d for d in documents if d not in apart]))
    labels = sum(int((packed.sequence(n).labels >= 0).sum()) for n in range(len(packed)))
    assert labels == tokens


def test_only_the_held_out_lines_of_one_long_document_are_left_out(tmp_path, verses, recipe):
    path = tmp_path / "one.jsonl"
    path.write_text(json.dumps({"text": "\n".join(verses[:800])}, ensure_ascii=False), "utf-8")
    source = user_source([str(path)], "text", "")
    corpus = sample(source, 3000)
    assert not corpus.heldout_whole_documents
    left = corpus.without_heldout(clean("\n".join(verses[:800])))
    held = {line for section in corpus.heldout for line in section.split("\n") if line.strip()}
    assert not held & set(left.split("\n"))
    assert len(left) > 0.7 * len("\n".join(verses[:800]))


def test_packed_text_is_reused_and_packed_again_for_another_length(chinese_file, recipe, base, tmp_path):
    source = user_source([str(chinese_file)], "text", "")
    corpus = sample(source)
    path = tmp_path / "text"
    first = packed_text(source, corpus, recipe, path)
    stamp = path.stat().st_mtime_ns
    assert len(packed_text(source, corpus, recipe, path)) == len(first)
    assert path.stat().st_mtime_ns == stamp
    packed_text(source, corpus, Recipe(base, Ends(1, 2), 32, 10_000_000), path)
    assert path.stat().st_mtime_ns != stamp


def test_reading_stops_at_the_limit(chinese_file, base, tmp_path):
    source = user_source([str(chinese_file)], "text", "")
    corpus = sample(source)
    few = packed_text(source, corpus, Recipe(base, Ends(1, 2), 64, 20_000), tmp_path / "few")
    text = "".join(decoded(few, base))
    assert 20_000 <= len(text.encode()) < 40_000


def test_a_text_that_is_entirely_held_out_is_refused_in_one_line(tmp_path, verses, recipe):
    path = tmp_path / "short.jsonl"
    path.write_text(json.dumps({"text": "\n".join(verses[:20])}, ensure_ascii=False), "utf-8")
    source = user_source([str(path)], "text", "")
    corpus = sample(source)
    whole = replace(corpus, heldout_whole_documents=True)
    with pytest.raises(CorpusError, match="holds no text besides what is held out"):
        packed_text(source, whole, recipe, tmp_path / "text")
