import gzip
import pickle

import numpy as np
import pytest
from gensim.models import KeyedVectors

from vocabx.errors import VectorsError
from vocabx.vectors.read_vectors import from_gensim, load_vectors


def refusal(path) -> str:
    with pytest.raises(VectorsError) as caught:
        load_vectors(path)
    assert "\n" not in str(caught.value) and str(path) in str(caught.value)
    return str(caught.value)


def test_a_fasttext_model_has_a_vector_for_any_text(fasttext_file, fasttext_model):
    vectors = load_vectors(fasttext_file)
    assert vectors.words == tuple(fasttext_model.wv.index_to_key)
    assert np.allclose(vectors.matrix, fasttext_model.wv.vectors, atol=1e-6)
    assert vectors.counts.tolist() == [fasttext_model.wv.get_vecattr(w, "count") for w in vectors.words]
    for text in ("law", "lawless", "listening"):
        assert np.allclose(vectors.of_text(text), fasttext_model.wv.get_vector(text), atol=1e-6)
        assert vectors.of_text(text).dtype == np.float32
    assert not vectors.of_text("").any()


def test_a_short_text_without_an_n_gram_has_the_zero_vector(fasttext_model):
    from gensim.models import FastText

    plain = FastText([["some", "words"]], vector_size=4, min_count=1, min_n=5, max_n=6, bucket=50)
    vectors = from_gensim(plain.wv)
    assert not vectors.of_text("中").any()
    assert vectors.of_text("some").any()


def fnv_row(gram: str, rows: int) -> int:
    """fastText's hash, FNV-1a over signed bytes, written from its description."""
    value = 2166136261
    for byte in gram.encode():
        value = ((value ^ (byte | (0xFFFFFF00 if byte > 127 else 0))) * 16777619) & 0xFFFFFFFF
    return value % rows


@pytest.mark.parametrize("text", ["lawful", "中文", "naïve"])
def test_the_vector_of_an_unknown_text_is_the_mean_of_its_n_grams(fasttext_model, text):
    marked = f"<{text}>"
    grams = [
        marked[i : i + n]
        for i in range(len(marked))
        for n in range(2, 5)
        if i + n <= len(marked) and not (n == 1 and marked[i] in "<>")
    ]
    rows = [fnv_row(gram, 500) for gram in grams]
    expected = fasttext_model.wv.vectors_ngrams[rows].mean(axis=0)
    assert np.allclose(from_gensim(fasttext_model.wv).of_text(text), expected, atol=1e-6)


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("packed", [False, True])
def test_word2vec_files_are_recognized_by_content(word2vec_model, tmp_path, binary, packed):
    path = tmp_path / "vectors.model"
    word2vec_model.wv.save_word2vec_format(str(path), binary=binary)
    if packed:
        path.write_bytes(gzip.compress(path.read_bytes()))
    vectors = load_vectors(path)
    assert vectors.words == tuple(word2vec_model.wv.index_to_key)
    assert np.allclose(vectors.matrix, word2vec_model.wv.vectors, atol=1e-6)
    assert vectors.counts is None and vectors.of_text is None


def test_glove_text_without_a_header_is_read(tmp_path):
    path = tmp_path / "glove.txt"
    path.write_text("the 0.1 -2e-3 3\n. . . 4 5 6\n臺灣 7 8 9\n", encoding="utf-8")
    vectors = load_vectors(path)
    assert vectors.words == ("the", ". . .", "臺灣")
    assert np.allclose(vectors.matrix, [[0.1, -0.002, 3], [4, 5, 6], [7, 8, 9]])


def test_fasttext_text_with_trailing_spaces_and_repeated_words_is_read(tmp_path):
    path = tmp_path / "cc.vec"
    path.write_text("3 2\nthe 1 2 \n\u3000 3 4 \nthe 5 6 \n", encoding="utf-8")
    vectors = load_vectors(path)
    assert vectors.words == ("the", "\u3000")
    assert vectors.matrix.tolist() == [[1, 2], [3, 4]]


def test_vectors_in_memory_keep_real_counts_and_drop_made_up_ones(word2vec_model, tmp_path):
    assert from_gensim(word2vec_model.wv).counts[0] == word2vec_model.wv.get_vecattr("the", "count")
    path = tmp_path / "v.vec"
    word2vec_model.wv.save_word2vec_format(str(path))
    assert from_gensim(KeyedVectors.load_word2vec_format(str(path))).counts is None


def test_a_pickle_is_never_loaded(word2vec_model, tmp_path):
    class Harm:
        def __reduce__(self):
            return (pytest.fail, ("the pickle was loaded",))

    harmful, saved = tmp_path / "harm.kv", tmp_path / "saved.kv"
    harmful.write_bytes(pickle.dumps(Harm()))
    word2vec_model.wv.save(str(saved))
    assert "save_word2vec_format" in refusal(harmful)
    assert "save_word2vec_format" in refusal(saved)


@pytest.mark.parametrize("bad", [b"b 3", b"b 3 x", b"b nan 4", b"b"])
@pytest.mark.parametrize("header", [b"", b"3 2\n"])
def test_one_malformed_line_of_text_is_left_out_and_counted(tmp_path, bad, header):
    path = tmp_path / "vectors.txt"
    path.write_bytes(header + b"a 1 2\n" + bad + b"\nc 3 4\n")
    found = load_vectors(path)
    assert found.words == ("a", "c")
    assert found.matrix.tolist() == [[1, 2], [3, 4]]
    assert found.origin == "vectors.txt, text, 2 words of 2; 1 malformed line left out"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"0 5\n", "announces 0 words"),
        (b"3 2\na 1 2\nb 3 4\n", "announces 3 words and has 2"),
        (b"1 2\na 1 2\nb 3 4\n", "more lines than the 1"),
        (b"3 2\na 1 2\nb 3\nc\n", "the line of word 2"),
        (b"3 2\na 1 2\nb 3 x\nc 3 nan\n", "the line of word 2"),
        (b"2 2\na 1 nan\nb inf 4\n", "the line of word 1"),
        (b"a 1 2 3\nb 1 2\nc\n", "the line of word 2"),
        (b"Dear reader, this is a letter.\nYours\n", "no file of word vectors"),
        (bytes(range(256)) * 40, "no file of word vectors"),
        (b"99999999999 300\nword 1 2 3\n", "the line of word 1"),
        (b"9999999 300\nword \x00\x01\x02\x03", "too short"),
        (b"PK\x03\x04 and so on", "a zip archive"),
        (b"\xba\x16\x4f\x2f\x0c\x00\x00\x00", "cannot be read as word vectors"),
        (b"\x1f\x8b\x08\x00broken", "cannot be read as word vectors"),
    ],
)
def test_bad_files_are_refused_in_one_line(tmp_path, content, said):
    path = tmp_path / "bad.bin"
    path.write_bytes(content)
    assert said in refusal(path)


def test_a_directory_and_a_missing_file_are_refused(tmp_path):
    assert "a directory" in refusal(tmp_path)
    assert "no such file" in refusal(tmp_path / "nothing.vec")


@pytest.mark.parametrize("share", [0.01, 0.3, 0.6, 0.95])
def test_truncated_files_are_refused(fasttext_file, word2vec_model, tmp_path, share):
    saved = tmp_path / "whole.bin"
    word2vec_model.wv.save_word2vec_format(str(saved), binary=True)
    for whole in (fasttext_file, saved):
        path = tmp_path / "short.bin"
        content = whole.read_bytes()
        path.write_bytes(content[: int(len(content) * share)])
        refusal(path)
    packed = gzip.compress(saved.read_bytes())
    path.write_bytes(packed[: int(len(packed) * share)])
    refusal(path)
