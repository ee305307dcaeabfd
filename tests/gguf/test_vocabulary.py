"""The vocabulary of a .gguf file: read back field by field, and used in llama.cpp."""

import json
from pathlib import Path

import pytest
from llama_cpp import ask
from real_tokenizers import read_once
from sentencepiece import SentencePieceProcessor
from small_tokenizers import marked_bpe

from vocabx.errors import TokenizerError
from vocabx.gguf.export_gguf import export_gguf
from vocabx.gguf.vocabulary import vocabulary_of
from vocabx.progress import Quiet
from vocabx.tokenizer.adversarial import adversarial_strings
from vocabx.tokenizer.extension import TokenRequest, extend_tokenizer
from vocabx.tokenizer.families.byte_level import ByteLevelTokenizer
from vocabx.tokenizer.read_tokenizer import read_tokenizer
from vocabx.tokenizer.sentencepiece_model import Kind
from vocabx.tokenizer.write import write_tokenizer

GAP = 50


def extended(file: Path, verses, chinese, target: Path, gap: int = GAP) -> Path:
    """A directory with the tokenizer of a file and 200 Chinese tokens, with a gap after the base's."""
    base = read_once(file)
    longer = extend_tokenizer(
        base, verses[:600], chinese, TokenRequest(200), base.size + gap, Quiet()
    ).tokenizer
    target.mkdir()
    write_tokenizer(longer, file, target)
    return target


def with_spec(tokenizer, **changes) -> ByteLevelTokenizer:
    return ByteLevelTokenizer({**tokenizer.spec, **changes})


def stated(tokenizer, directory: Path, rows: int = 0, config=None):
    return vocabulary_of(tokenizer, directory, config or {}, rows or tokenizer.size)


SENTENCEPIECE = {
    "mistral_model": ("llama", ["<s>", "</s>"]),
    "llama2_json": ("llama", ["<s>", "</s>"]),
    "gemma_json": ("gemma", ["<bos>", "<start_of_turn>"]),
}


@pytest.mark.parametrize("file", SENTENCEPIECE)
def test_llama_cpp_tokenizes_like_a_sentencepiece_extension(
    file, request, random_model, verses, english, chinese, tmp_path
):
    kind, literals = SENTENCEPIECE[file]
    directory = extended(request.getfixturevalue(file), verses, chinese, tmp_path / "longer")
    model = random_model(kind, directory, head_dim=8, tie_word_embeddings=True)
    exported = export_gguf(model, tmp_path / "model.gguf")
    assert exported.pretokenizer == "default"
    tokenizer = read_tokenizer(directory)
    code = Path(__file__).read_text(encoding="utf-8").split("\n\n")
    texts = [
        *verses[:400],
        *english[:200],
        *code,
        *adversarial_strings(800, literals=literals, long=False),
    ]
    # Gemma's runs of spaces are added tokens, written as ▁, and llama.cpp finds them as spaces only.
    texts = [text for text in texts if kind != "gemma" or "▁▁" not in text]
    encoded = dict(zip(texts, ask(exported.path, texts)["ids"], strict=True))
    assert encoded == dict(zip(texts, tokenizer.encode(texts), strict=True))
    new = range(tokenizer.size - 200, tokenizer.size)
    assert any(index in new for ids in encoded.values() for index in ids)
    around = ask(exported.path, ["中文 abc", ""], special=True)["ids"]
    assert around == [tokenizer.rust.encode(text).ids for text in ("中文 abc", "")]


def test_metaspace_differs_only_at_leading_spaces_and_after_special_tokens(
    mistral3_json, random_model, verses, english, tmp_path
):
    notes = Notes()
    exported = export_gguf(random_model("mistral", mistral3_json), tmp_path / "model.gguf", progress=notes)
    assert any("begins with" in note for note in notes.lines)
    texts = [*verses[:200], *english, *adversarial_strings(600, long=False)]
    tokenizer = read_once(mistral3_json)
    special = [token["content"] for token in tokenizer.spec["added_tokens"]]
    ours = tokenizer.encode(texts)
    differing = {
        text
        for text, theirs, mine in zip(texts, ask(exported.path, texts)["ids"], ours, strict=True)
        if theirs != mine
    }
    assert differing
    assert all(text.startswith((" ", "▁")) or any(name in text for name in special) for text in differing)


class Notes(Quiet):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def note(self, text: str) -> None:
        self.lines.append(text)


def test_sentencepiece_pieces_keep_score_and_type_exactly(mistral_model, verses, chinese, tmp_path):
    directory = extended(mistral_model, verses, chinese, tmp_path / "longer")
    tokenizer = read_tokenizer(directory)
    rows = tokenizer.size + 7
    found = stated(tokenizer, directory, rows)
    model = SentencePieceProcessor(model_file=str(directory / "tokenizer.model"))
    base = SentencePieceProcessor(model_file=str(mistral_model))
    held = range(base.vocab_size(), base.vocab_size() + GAP)
    for index in range(rows):
        if index in held or index >= tokenizer.size:
            assert (found.tokens[index], found.kinds[index]) == (f"[PAD{index}]", Kind.UNUSED)
            continue
        assert found.tokens[index] == model.id_to_piece(index)
        assert found.scores[index] == model.get_score(index)
        expected = (
            Kind.UNKNOWN if model.is_unknown(index)
            else Kind.CONTROL if model.is_control(index)
            else Kind.BYTE if model.is_byte(index)
            else Kind.NORMAL
        )  # fmt: skip
        assert found.kinds[index] is expected
    assert (found.model, found.merges, found.begins, found.ends) == ("llama", (), True, False)
    assert found.roles == {"bos": 1, "eos": 2, "unk": 0}
    assert found.space_first


def test_byte_level_tokens_and_merges_are_written_unchanged(extension, smollm2):
    tokenizer = extension.tokenizer
    rows = tokenizer.size + 3
    found = stated(tokenizer, smollm2, rows)
    spec = json.loads(json.dumps(tokenizer.spec))
    special = {token["id"] for token in spec["added_tokens"]}
    by_id = {index: token for token, index in spec["model"]["vocab"].items()}
    by_id |= {token["id"]: token["content"] for token in spec["added_tokens"]}
    assert found.tokens == tuple(by_id.get(index, f"[PAD{index}]") for index in range(rows))
    assert found.merges == tuple(m if isinstance(m, str) else " ".join(m) for m in spec["model"]["merges"])
    for index, kind in enumerate(found.kinds):
        expected = Kind.CONTROL if index in special else Kind.NORMAL if index in by_id else Kind.UNUSED
        assert kind is expected
    assert (found.model, found.scores, found.space_first) == ("gpt2", (), False)


def test_an_added_token_that_is_not_special_is_user_defined(base, smollm2):
    added = [*base.spec["added_tokens"]]
    added.append({**added[0], "id": base.size, "content": "<think>", "special": False})
    found = stated(with_spec(base, added_tokens=added), smollm2, base.size + 1)
    assert (found.tokens[-1], found.kinds[-1]) == ("<think>", Kind.USER_DEFINED)


def test_no_two_rows_have_the_same_token(base, smollm2):
    added = [*base.spec["added_tokens"]]
    row = base.size + 1
    added.append({**added[0], "id": base.size, "content": f"[PAD{row}]"})
    found = stated(with_spec(base, added_tokens=added), smollm2, row + 1)
    assert len(set(found.tokens)) == row + 1
    assert found.kinds[row] is Kind.UNUSED


def template(*parts):
    items = [
        {"Sequence": {"id": "A", "type_id": 0}}
        if part == "A"
        else {"SpecialToken": {"id": part, "type_id": 0}}
        for part in parts
    ]
    ids = {"<|im_start|>": 1, "<|im_end|>": 2}
    tokens = {part: {"id": part, "ids": [ids[part]], "tokens": [part]} for part in parts if part != "A"}
    return {
        "type": "TemplateProcessing",
        "single": items,
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": tokens,
    }


@pytest.mark.parametrize(
    ("parts", "begins", "ends"),
    [
        (["A"], False, False),
        (["<|im_start|>", "A"], True, False),
        (["<|im_start|>", "A", "<|im_end|>"], True, True),
    ],
)
def test_bos_and_eos_follow_the_post_processor(base, tmp_path, parts, begins, ends):
    (tmp_path / "tokenizer_config.json").write_text(
        '{"bos_token": "<|im_start|>", "eos_token": "<|im_end|>"}'
    )
    found = stated(with_spec(base, post_processor=template(*parts)), tmp_path)
    assert (found.begins, found.ends) == (begins, ends)
    assert (found.roles["bos"], found.roles["eos"]) == (1, 2)


@pytest.mark.parametrize(
    "parts", [["<|im_start|>", "<|im_start|>", "A"], ["A", "<|im_start|>"], ["A", "<|im_end|>", "<|im_end|>"]]
)
def test_more_special_tokens_than_llama_cpp_can_add_are_refused(base, tmp_path, parts):
    (tmp_path / "tokenizer_config.json").write_text('{"eos_token": "<|im_end|>"}')
    with pytest.raises(TokenizerError, match="one bos token and one eos token"):
        stated(with_spec(base, post_processor=template(*parts)), tmp_path)


def test_roles_missing_from_the_tokenizer_come_from_the_configuration(base, tmp_path):
    bare = with_spec(base, added_tokens=[], post_processor=None)
    config = {"bos_token_id": 5, "eos_token_id": [6, 7], "pad_token_id": -1, "unk_token_id": None}
    assert stated(bare, tmp_path, config=config).roles == {"bos": 5, "eos": 6}


def test_chat_templates_are_kept_by_name(base, smollm2, tmp_path):
    assert stated(base, tmp_path).templates == {}
    (tmp_path / "tokenizer_config.json").write_text(
        json.dumps(
            {"chat_template": [{"name": "default", "template": "A"}, {"name": "tools", "template": "B"}]}
        )
    )
    (tmp_path / "additional_chat_templates").mkdir()
    (tmp_path / "additional_chat_templates" / "rag.jinja").write_text("C")
    found = stated(base, tmp_path)
    assert found.templates == {"": "A", "tools": "B", "rag": "C"}
    values = found.values()
    assert values["tokenizer.chat_template"] == "A"
    assert values["tokenizer.chat_template.tools"] == "B"
    assert sorted(values["tokenizer.chat_templates"]) == ["rag", "tools"]
    (tmp_path / "chat_template.jinja").write_text("D")
    assert stated(base, tmp_path).templates[""] == "D"


def test_a_tokenizer_with_more_ids_than_rows_is_refused(base, smollm2):
    with pytest.raises(TokenizerError, match="vocabx doctor"):
        stated(base, smollm2, base.size - 1)


def test_files_that_disagree_are_refused(mistral_model, verses, chinese, tmp_path):
    directory = extended(mistral_model, verses, chinese, tmp_path / "longer")
    (directory / "tokenizer.model").write_bytes(mistral_model.read_bytes())
    with pytest.raises(TokenizerError, match="vocabx doctor --out"):
        stated(read_tokenizer(directory), directory)


def test_an_unsupported_family_is_refused(verses, tmp_path):
    directory = marked_bpe(tmp_path / "marked", verses[:50], byte=True, end_of_word_suffix="</w>")
    with pytest.raises(TokenizerError, match="byte-level BPE, SentencePiece, Unigram and WordPiece"):
        stated(read_tokenizer(directory), tmp_path)


def test_a_name_for_a_tokenizer_without_pre_tokenizer_is_refused(mistral_model, tmp_path):
    tokenizer = read_once(mistral_model)
    with pytest.raises(TokenizerError, match="omit --pre"):
        vocabulary_of(tokenizer, tmp_path, {}, tokenizer.size, "llama-bpe")


def test_an_unsupported_normalizer_is_refused(llama2_json, tmp_path):
    tokenizer = read_once(llama2_json)
    spec = {**tokenizer.spec, "normalizer": {"type": "NFKC"}}
    with pytest.raises(TokenizerError, match="NFKC"):
        stated(type(tokenizer)(spec), tmp_path)
