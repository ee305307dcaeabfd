"""The way of the data by the parts alone, on real text and small random models."""

import json

import numpy as np
import pytest
import torch
from safetensors import safe_open
from transformers import AutoModelForCausalLM, AutoTokenizer

from vocabx import MergeOptions, TrainOptions, VerifyOptions, merge, train, verify
from vocabx.api import (
    LINE_END,
    Alphabet,
    InitializerOptions,
    add_tokens,
    from_rows,
    initialize,
    learn_tokens,
    open_base,
    read_text,
    read_tokenizer,
    tokenize_text,
    verify_tokenizers,
    write_checkpoint,
)
from vocabx.errors import (
    BaseModelError,
    CorpusError,
    InitializerError,
    LanguageError,
    OutputError,
    TokenizerError,
    VocabxError,
)
from vocabx.mixture.initialization import everywhere

OTHER = r"learned for another tokenizer|tokens that the tokenizer lacks"


@pytest.fixture
def learned(small_tokenizer, verses):
    return learn_tokens(read_tokenizer(str(small_tokenizer)), verses[:400], "zh-Hant", new_tokens=40)


def tensor_of(directory, name):
    for path in directory.glob("*.safetensors"):
        with safe_open(path, "pt") as file:
            if name in set(file.keys()):
                return file.get_tensor(name)
    raise KeyError(name)


def test_a_base_is_opened_by_its_headers_and_its_matrices_are_those_of_transformers(small_model):
    for tied in (True, False):
        directory = small_model(tied=tied, sharded=not tied)
        base = open_base(directory)
        model = AutoModelForCausalLM.from_pretrained(directory)
        assert isinstance(base.embeddings, np.memmap) and not base.embeddings.flags.writeable
        found = torch.from_numpy(base.embeddings.astype(np.float32))
        torch.testing.assert_close(found, model.get_input_embeddings().weight.float(), rtol=0, atol=0)
        assert (base.tokens, base.rows, base.first_id, base.tied) == (600, 600, 600, tied)
        assert base.output_bias is None
        assert base.token_bytes[0] is None and base.token_bytes[600 - 1]
        if tied:
            assert base.output_embeddings is None
        else:
            found = torch.from_numpy(base.output_embeddings.astype(np.float32))
            torch.testing.assert_close(found, model.get_output_embeddings().weight.float(), rtol=0, atol=0)


def test_a_base_that_is_none_is_told_in_one_sentence(tmp_path, small_tokenizer):
    with pytest.raises(BaseModelError, match="no base model 'smollm3'"):
        open_base("smollm3")
    with pytest.raises(BaseModelError, match=r"has no config\.json"):
        open_base(small_tokenizer)


@pytest.mark.parametrize(("tied", "sharded"), [(True, False), (False, False), (False, True)])
def test_a_checkpoint_of_the_parts_is_one_that_everything_reads(
    tied, sharded, small_model, learned, verses, english, chinese_file, english_file, tmp_path
):
    base = open_base(small_model(tied=tied, sharded=sharded))
    extension = add_tokens(base.tokenizer, learned, first_id=base.first_id)
    certificate = verify_tokenizers(
        base.tokenizer,
        extension.tokenizer,
        "zh-Hant",
        texts=verses[:50],
        base_texts=english[:50],
        adversarial=100,
    )
    assert certificate.passed
    initialization = initialize("zip-tie", base.embeddings, extension.pieces, old_rows=base.tokens)
    out = write_checkpoint(
        tmp_path / "out", base, extension, initialization, language="zh-TW", method="zip-tie",
        certificate=certificate,
    )  # fmt: skip
    model, tokenizer = AutoModelForCausalLM.from_pretrained(out), AutoTokenizer.from_pretrained(out)
    assert model.get_input_embeddings().weight.shape == (640, 16)
    ids = tokenizer(verses[3], add_special_tokens=False)["input_ids"]
    assert max(ids) >= 600 and tokenizer.decode(ids) == verses[3]
    for name in ("model.embed_tokens.weight", *(() if tied else ("lm_head.weight",))):
        before, after = tensor_of(base.directory, name), tensor_of(out, name)
        assert torch.equal(before.view(torch.int16), after[:600].view(torch.int16))
        which = "input" if "embed" in name else "output"
        expected = initialization.apply(which, before.float().numpy())
        np.testing.assert_array_equal(
            after[600:].float().numpy(), torch.from_numpy(expected).bfloat16().float()
        )
    manifest = json.loads((out / "vocabx.json").read_text())
    assert manifest["language"] == "zh-Hant" and manifest["initializer"]["name"] == "zip-tie"
    assert manifest["ranges"] == [{"first_id": 600, "count": 40, "source": "learned"}]
    assert all("examples" not in claim for claim in manifest["certificate"])
    options = VerifyOptions(
        directory=out,
        against=str(base.directory),
        corpus=(str(chinese_file),),
        base_text=(str(english_file),),
        adversarial=50,
    )
    assert verify(options).certificate.passed


def test_a_checkpoint_of_the_parts_is_trained_and_merged(
    small_model, learned, chinese_file, english_file, tmp_path
):
    base = open_base(small_model())
    extension = add_tokens(base.tokenizer, learned, first_id=base.first_id)
    initialization = initialize("zip-tie", base.embeddings, extension.pieces)
    out = write_checkpoint(tmp_path / "out", base, extension, initialization, language="zh-Hant")
    run = train(
        TrainOptions(
            directory=out, out=tmp_path / "run", corpus=(str(chinese_file),), replay=(str(english_file),),
            method="lora", lora_rank=2, dtype="float32", max_steps=2, sequence_length=48, step_sequences=2,
            heldout_bytes=1000,
        )
    )  # fmt: skip
    assert run.finished
    merge(MergeOptions(directory=tmp_path / "run", out=tmp_path / "merged"))
    rows = tensor_of(tmp_path / "merged", "model.embed_tokens.weight")
    assert torch.equal(rows[:600], tensor_of(base.directory, "model.embed_tokens.weight").to(rows.dtype))


def test_a_tied_model_gets_an_lm_head_of_its_own_with_the_rows_of_the_output(
    small_model, learned, verses, tmp_path
):
    base = open_base(small_model(dtype="float32"))
    extension = add_tokens(base.tokenizer, learned, first_id=base.first_id)
    model = AutoModelForCausalLM.from_pretrained(base.directory)
    initialization = initialize(
        "first-piece", base.embeddings, extension.pieces, output_embeddings=base.embeddings,
        text=tokenize_text(extension, verses[:50]), model=model,
    )  # fmt: skip
    given = (base, extension, initialization)
    out = write_checkpoint(tmp_path / "out", *given, language="zh-Hant", untie=True)
    for name, which in (("model.embed_tokens.weight", "input"), ("lm_head.weight", "output")):
        rows = tensor_of(out, name).numpy()
        assert rows[:600].tobytes() == base.embeddings.tobytes()
        np.testing.assert_array_equal(rows[600:640], initialization.apply(which, base.embeddings))
    assert json.loads((out / "vocabx.json").read_text())["tied"] is False
    assert not open_base(out).tied
    tied = write_checkpoint(tmp_path / "tied", *given, language="zh-Hant")
    rows = tensor_of(tied, "model.embed_tokens.weight").numpy()
    np.testing.assert_array_equal(rows[600:640], initialization.apply("input", base.embeddings))
    with pytest.raises(BaseModelError, match="has an lm_head of its own already: leave out --untie"):
        write_checkpoint(
            tmp_path / "again", open_base(small_model(tied=False)), *given[1:], language="zh-Hant", untie=True
        )


def test_new_rows_follow_rows_that_pad_the_matrix_and_take_no_part(
    tiny_model, small_tokenizer, learned, tmp_path
):
    base = open_base(tiny_model(rows=620, tokenizer=small_tokenizer))
    assert (base.tokens, base.rows, base.first_id) == (600, 620, 620)
    wrong = add_tokens(base.tokenizer, learned)
    initialization = initialize("mean", base.embeddings, wrong.pieces, old_rows=base.tokens)
    with pytest.raises(TokenizerError, match="begin at 620: pass first_id=base"):
        write_checkpoint(tmp_path / "out", base, wrong, initialization, language="zh-Hant")
    extension = add_tokens(base.tokenizer, learned, first_id=base.first_id)
    given = (base, extension, initialization)
    out = write_checkpoint(tmp_path / "out", *given, language="zh-Hant", pad_to_multiple_of=1)
    rows = tensor_of(out, "model.embed_tokens.weight").float()
    assert len(rows) == 660
    mean = base.embeddings[:600].astype(np.float64).mean(axis=0)
    np.testing.assert_allclose(rows[620:], np.tile(mean, (40, 1)), rtol=1e-2, atol=1e-4)


def test_what_does_not_fit_together_is_not_written(small_model, learned, tmp_path, base):
    small = open_base(small_model())
    extension = add_tokens(small.tokenizer, learned, first_id=small.first_id)
    good = initialize("mean", small.embeddings, extension.pieces)

    def refused(kind, sentence, **changes):
        given = {"out": tmp_path / "out", "base": small, "extension": extension, "initialization": good}
        with pytest.raises(kind, match=sentence):
            write_checkpoint(**{**given, "language": "zh-Hant", **changes})
        assert not (tmp_path / "out").exists()

    refused(InitializerError, "makes 39 rows and there are 40 new tokens", initialization=initialize(
        "mean", small.embeddings, list(extension.pieces.values())[1:]
    ))  # fmt: skip
    other = everywhere(from_rows([([0], [1.0])] * 40, 599))
    refused(InitializerError, "mixes 599 old rows and .* has 600 tokens", initialization=other)
    of_another = add_tokens(base, ["注意"], "zh-Hant")
    refused(TokenizerError, "the extension is not of the tokenizer of", extension=of_another)
    refused(LanguageError, "unknown language tag 'chinese'", language="chinese")
    refused(OutputError, "pad_to_multiple_of is 0", pad_to_multiple_of=0)
    (tmp_path / "file").write_text("x")
    refused(OutputError, "exists and is not a directory", out=tmp_path / "file")


def test_learned_tokens_are_as_many_as_asked_and_in_the_order_of_their_usage(base, verses, learned):
    selection = learn_tokens(base, verses[:800], "und", new_tokens=60)
    extension = add_tokens(base, selection)
    assert list(extension.new_ids) == list(range(base.size, base.size + 60))
    counts = extension.tokenizer.usage(verses[:800])[base.size :]
    assert counts.tolist() == selection.usage.tolist()
    assert all(b"".join(base.token_bytes[i] for i in ids) == token for token, ids in extension.pieces.items())


def test_tokens_that_were_learned_for_another_tokenizer_are_refused(base, learned, verses):
    of_smollm2 = learn_tokens(base, verses[:400], "zh-Hant", new_tokens=40)
    small = add_tokens(base, of_smollm2)
    with pytest.raises(TokenizerError, match=OTHER):
        add_tokens(small.tokenizer, of_smollm2)
    with pytest.raises(TokenizerError, match=OTHER):
        add_tokens(base, learned)


def test_given_tokens_are_added_with_what_builds_them_and_known_ones_are_counted(base):
    extension = add_tokens(base, ["憲法法庭", " 大法官".encode(), "the", "憲法"], "zh-Hant")
    for token in ("憲法法庭", "憲法"):
        assert extension.tokenizer.encode([token]) == [[extension.tokenizer.vocabulary[
            extension.tokenizer.bytes_to_piece(token.encode())
        ]]]  # fmt: skip
    assert extension.donor_merges.taken == 3
    # "the" holds characters that tokens of the language may not.
    assert b"the" not in extension.pieces
    certificate = verify_tokenizers(base, extension.tokenizer, "zh-Hant", adversarial=200)
    assert certificate.passed


@pytest.mark.parametrize("tokens", [["注意，"], [" Zellkern", " Zellkernteilung"], ["🦙🦙", "…。"]])
def test_tokens_of_any_characters_are_added_where_no_language_is_said(base, tokens):
    extension = add_tokens(base, tokens)
    for token in tokens:
        assert extension.base.decode(extension.pieces[token.encode()]) == token
        assert extension.tokenizer.reaches(extension.first_id + list(extension.pieces).index(token.encode()))


def test_an_alphabet_says_which_characters_tokens_may_hold(base, verses):
    selection = learn_tokens(base, verses[:800], Alphabet(("Han",)), new_tokens=30)
    for one in selection.merges:
        assert not set(one.token.decode(errors="ignore")) & set("，。：；「」")


def test_protected_lines_are_tokenized_as_before(base, verses):
    selection = learn_tokens(base, verses[:800], "zh-Hant", new_tokens=30, protected=verses[:20])
    extension = add_tokens(base, selection)
    assert extension.tokenizer.encode(verses[:20]) == base.encode(verses[:20])


def test_text_is_numbered_as_initializers_learn_from_it(small_model, learned, verses):
    base = open_base(small_model())
    extension = add_tokens(base.tokenizer, learned, first_id=700)
    text = tokenize_text(extension, verses[:30])
    expected = []
    for ids in extension.tokenizer.encode(verses[:30]):
        expected += [*(i if i < 600 else 600 + i - 700 for i in ids), LINE_END]
    assert text.dtype == np.int64 and text.tolist() == expected
    options = InitializerOptions(candidates=8, epochs=1)
    initialization = initialize(
        "cw2v", base.embeddings, extension.pieces, old_rows=base.tokens, text=text, options=options
    )
    assert initialization.hull_bound() is not None and initialization.rows == 40


def test_a_tokenizer_that_somebody_changed_fails_the_claim_that_it_breaks(base, small_tokenizer, tmp_path):
    extension = add_tokens(base, ["憲法法庭"], "zh-Hant")
    spec = json.loads(json.dumps(extension.tokenizer.spec))
    spec["model"]["merges"].pop(5)
    (tmp_path / "tokenizer.json").write_text(json.dumps(spec))
    certificate = verify_tokenizers(base, tmp_path / "tokenizer.json", "und", adversarial=50)
    assert not certificate.passed
    assert {claim.name for claim in certificate.claims if not claim.holds} >= {"base-rules"}


def test_two_directories_are_also_compared_as_transformers_loads_them(small_model, learned, tmp_path):
    base = open_base(small_model())
    extension = add_tokens(base.tokenizer, learned, first_id=base.first_id)
    initialization = initialize("mean", base.embeddings, extension.pieces)
    out = write_checkpoint(tmp_path / "out", base, extension, initialization, language="zh-Hant")
    certificate = verify_tokenizers(base.directory, str(out), "zh-Hant", adversarial=50)
    assert {"transformers", "special-tokens"} <= {claim.name for claim in certificate.claims}
    assert certificate.passed


@pytest.mark.parametrize(
    ("call", "kind", "sentence"),
    [
        (lambda t: learn_tokens(t, "注意", "zh-Hant"), CorpusError, "texts is a str: pass a list of lines"),
        (lambda t: learn_tokens(t, None, "zh-Hant"), CorpusError, "texts is a NoneType"),
        (lambda t: learn_tokens(t, [b"x"], "zh-Hant"), CorpusError, r"texts\[0\] is a bytes: pass strings"),
        (lambda t: learn_tokens(t, ["x\ud800"], "zh-Hant"), CorpusError, r"texts\[0\] holds half of"),
        (lambda t: learn_tokens(t, ["注意"], "zh-Hant", protected="a"), CorpusError, "protected is a str"),
        (lambda t: learn_tokens(t, ["注意"], "xx-nothing"), LanguageError, "unknown language tag"),
        (lambda t: learn_tokens(t, ["注意"], None), LanguageError, "the language is a NoneType"),
        (lambda t: learn_tokens(t, ["123"], "und"), LanguageError, "cannot tell the script"),
        (lambda t: learn_tokens(t, ["注意"], "zh-Hant", new_tokens=0), TokenizerError, "new_tokens is 0"),
        (lambda t: learn_tokens(t, ["注意"], "zh-Hant", new_tokens=9), TokenizerError, "text supports only"),
        (lambda t: learn_tokens(t, [], "zh-Hant", new_tokens=9), TokenizerError, "the text supports only 0"),
        (lambda t: add_tokens(t, "注意"), TokenizerError, "tokens is a str: pass a list of tokens"),
        (lambda t: add_tokens(t, []), TokenizerError, "there are no tokens"),
        (lambda t: add_tokens(t, [""]), TokenizerError, r"tokens\[0\] is no token"),
        (lambda t: add_tokens(t, [3]), TokenizerError, r"tokens\[0\] is no token"),
        (lambda t: add_tokens(t, ["\udfff"]), TokenizerError, r"tokens\[0\] holds half of a surrogate pair"),
        (lambda t: add_tokens(t, ["注意"], first_id=t.size - 1), TokenizerError, "first_id is 49151"),
        (lambda t: verify_tokenizers(t, 3, "de"), TokenizerError, "a int is no tokenizer"),
        (lambda t: verify_tokenizers(t, "/nowhere", "de"), TokenizerError, "/nowhere does not exist"),
        (lambda t: verify_tokenizers(t, t, "und"), LanguageError, "cannot tell the script"),
        (lambda t: verify_tokenizers(t, t, "de", texts="x"), CorpusError, "texts is a str"),
        (lambda t: verify_tokenizers(t, t, "de", adversarial=-1), TokenizerError, "adversarial is -1"),
        (lambda t: read_text("zh-Hant", "nowhere/*.txt"), CorpusError, "nowhere"),
        (lambda t: read_text("english", "x.txt"), LanguageError, "Did you mean en"),
    ],
)  # fmt: skip
def test_what_a_caller_gets_wrong_is_told_in_one_sentence(base, call, kind, sentence):
    with pytest.raises(kind, match=sentence) as caught:
        call(base)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, VocabxError)


def test_text_of_files_is_sampled_and_some_of_it_held_out(chinese_file):
    corpus = read_text("zh-TW", chinese_file, learn_bytes=20_000, heldout_bytes=5_000, seed=1)
    assert 15_000 < sum(len(line.encode()) for line in corpus.learning) < 25_000
    assert not set(corpus.learning) & {line for section in corpus.heldout for line in section.split("\n")}
    assert read_text("zh-TW", [chinese_file], learn_bytes=20_000, heldout_bytes=5_000, seed=1) == corpus


def test_text_without_files_is_that_of_the_language():
    corpus = read_text("en", learn_bytes=50_000, heldout_bytes=5_000)
    assert any("statement" in line for line in corpus.learning)
