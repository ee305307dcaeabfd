"""Checkpoints broken as common recipes break them, from real tokenizers."""

import io
import json
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import sentencepiece
from real_tokenizers import read_once
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from vocabx.tokenizer.read_tokenizer import read_tokenizer
from vocabx.tokenizer.sentencepiece_model import Kind, parse_model


def _train(lines, vocab_size, kind):
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_writer=written,
        vocab_size=vocab_size,
        model_type=kind,
        character_coverage=1.0,
        minloglevel=2,
    )
    return [piece.piece for piece in parse_model(written.getvalue()).pieces if piece.type == Kind.NORMAL]


@pytest.fixture(scope="session")
def train():
    """A function that trains SentencePiece on lines and returns its pieces, the first step of the recipes."""
    return _train


@pytest.fixture(scope="session")
def chinese_pieces(verses):
    return _train(verses, 3500, "bpe")


@pytest.fixture(scope="session")
def few_pieces(chinese_pieces):
    """The first 500 pieces, and all characters."""
    return [piece for place, piece in enumerate(chinese_pieces) if place < 500 or len(piece) == 1]


@pytest.fixture(scope="session")
def append():
    """A function that appends missing pieces to a .model as the recipes do, with score 0."""

    def append(model, pieces, score=lambda position: 0.0, kind=Kind.NORMAL):
        proto = parse_model(model)
        known = {piece.piece for piece in proto.pieces}
        fresh = [piece for piece in pieces if piece not in known]
        for place, piece in enumerate(fresh):
            proto.pieces.add(piece=piece, score=score(place), type=kind)
        return proto.SerializeToString()

    return append


@pytest.fixture
def directory(tmp_path):
    """A function that makes a directory of files from their contents: bytes, text or JSON."""
    made = []

    def make(**files) -> Path:
        path = tmp_path / f"checkpoint-{len(made)}"
        path.mkdir()
        made.append(path)
        for name, content in files.items():
            target = path / name.replace("__", ".")
            if isinstance(content, bytes):
                target.write_bytes(content)
            else:
                text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
                target.write_text(text, "utf-8")
        return path

    return make


@pytest.fixture
def with_added(tmp_path):
    """A function that calls add_tokens on a tokenizer.json and saves it, as a common recipe does."""

    def add(tokenizer_json, words, model=None) -> Path:
        tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(tokenizer_json))
        tokenizer.add_tokens(list(words))
        path = tmp_path / "added"
        tokenizer.save_pretrained(path)
        if model is not None:
            (path / "tokenizer.model").write_bytes(model)
        return path

    return add


@pytest.fixture(scope="session")
def chinese_words(verses):
    """The 500 most frequent runs of one to three Chinese characters."""
    runs = (verse[n : n + length] for verse in verses for length in (1, 2, 3) for n in range(len(verse)))
    return [run for run, _ in Counter(r for r in runs if r.isalpha()).most_common(500)]


@pytest.fixture(scope="session")
def mistral(mistral_model):
    """Mistral's tokenizer; its spec is the tokenizer.json that agrees with its .model."""
    return read_once(mistral_model)


@pytest.fixture(scope="session")
def small_file(tmp_path_factory, mistral_model):
    """The .model of a smaller base: Mistral's first merges and all of its characters."""
    proto = parse_model(mistral_model.read_bytes())
    kept = [piece for place, piece in enumerate(proto.pieces) if place < 4000 or len(piece.piece) == 1]
    del proto.pieces[:]
    proto.pieces.extend(kept)
    path = tmp_path_factory.mktemp("small") / "tokenizer.model"
    path.write_bytes(proto.SerializeToString())
    return path


@pytest.fixture(scope="session")
def small(small_file):
    """The tokenizer of the smaller base."""
    return read_tokenizer(small_file)


@pytest.fixture(scope="session")
def dead():
    """A function that returns the new pieces of a directory that its tokenizer never produces."""

    def dead(path, base):
        tokenizer = read_tokenizer(path)
        new = [
            index for index in tokenizer.token_bytes if tokenizer.id_to_piece[index] not in base.vocabulary
        ]
        return {tokenizer.id_to_piece[index] for index in new if not tokenizer.reaches(index)}

    return dead


@pytest.fixture(scope="session")
def disagreements():
    """A function that returns the texts that SentencePiece tokenizes differently from tokenizer.json."""

    def disagreements(path, texts):
        processor = sentencepiece.SentencePieceProcessor(model_file=str(next(path.glob("*.model"))))
        theirs, ours = processor.encode(list(texts)), read_tokenizer(path).encode(texts)
        return [text for text, a, b in zip(texts, theirs, ours, strict=True) if a != b]

    return disagreements


@pytest.fixture
def edit_tables():
    """A function that applies `change` to the tensors of a model directory and rewrites them."""

    def edit(path, change):
        file = path / "model.safetensors"
        tensors = load_file(file)
        changed = change(tensors) or tensors
        save_file({name: np.ascontiguousarray(t) for name, t in changed.items()}, file, {"format": "pt"})
        return path

    return edit


@pytest.fixture
def edit_config():
    """A function that sets keys of a config.json; None removes a key."""

    def edit(path, **keys):
        file = path / "config.json"
        config = json.loads(file.read_text()) | keys
        file.write_text(json.dumps({key: value for key, value in config.items() if value is not None}))
        return path

    return edit


@pytest.fixture
def bare_model(tiny_model):
    """A function that makes a small random model without a tokenizer."""

    def make(**options) -> Path:
        path = tiny_model(**options)
        for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
            (path / name).unlink()
        return path

    return make


@pytest.fixture
def model_of_mistral(bare_model):
    """A function that makes a small random model with a given .model and number of rows."""

    def make(model, rows, **options) -> Path:
        path = bare_model(rows=rows, dtype="float32", **options)
        (path / "tokenizer.model").write_bytes(model)
        return path

    return make


@pytest.fixture
def names():
    """A function that returns the findings of an examination that are not notes, by name."""

    def names(examination):
        return {finding.name: finding for finding in examination.findings if not finding.harmless}

    return names


@pytest.fixture
def copy_of(tmp_path):
    """A function that copies a directory, for tests that break it."""

    def copy(path, name="copy") -> Path:
        return Path(shutil.copytree(path, tmp_path / name))

    return copy
