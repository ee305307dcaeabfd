"""`vocabx transfer`, from the command line."""

import io
import json
import shutil

import pytest
import sentencepiece
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import (
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoTokenizer,
    BertConfig,
    BertForMaskedLM,
    GPT2Config,
    GPT2LMHeadModel,
    RobertaConfig,
    RobertaForMaskedLM,
)

SMALL = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
FEW = ("--lang", "zh-Hant", "--heldout-bytes", 4000, "--learn-bytes", 100_000, "--init", "zip-tie")
TEXTS = ["起初神創造天地", " two  spaces 2010\n", "é 𠀀 Ġ", "<s>神</s><pad>", ""]


@pytest.fixture
def byte_level(tmp_path, verses):
    """A Chinese byte-level tokenizer without a template."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=700,
        special_tokens=["<s>", "</s>", "<pad>", "<cls>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(verses[:500], trainer)
    path = tmp_path / "byte_level.json"
    tokenizer.save(str(path))
    return path


@pytest.fixture
def unigram(tmp_path, verses):
    """A Chinese Unigram tokenizer for encoders."""
    special = ["<unk>", "<s>", "</s>", "<pad>", "<mask>"]
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=1500, unk_token="<unk>", special_tokens=special, show_progress=False
    )
    tokenizer.train_from_iterator(verses[:500], trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)]
    )
    path = tmp_path / "unigram.json"
    tokenizer.save(str(path))
    return path


@pytest.fixture
def sentencepiece_model(tmp_path, verses):
    """A Chinese SentencePiece model with byte fallback."""
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(verses[:500]),
        model_writer=written,
        vocab_size=2000,
        model_type="bpe",
        byte_fallback=True,
        minloglevel=2,
    )
    path = tmp_path / "chinese.model"
    path.write_bytes(written.getvalue())
    return path


@pytest.fixture
def gpt2(tmp_path, gpt2_json):
    torch.manual_seed(0)
    directory = tmp_path / "gpt2"
    GPT2LMHeadModel(GPT2Config(vocab_size=50257, n_embd=16, n_layer=1, n_head=2)).save_pretrained(directory)
    shutil.copyfile(gpt2_json, directory / "tokenizer.json")
    return directory


@pytest.fixture
def bert(tmp_path, bert_json):
    torch.manual_seed(0)
    BertForMaskedLM(BertConfig(vocab_size=30522, **SMALL)).save_pretrained(tmp_path / "bert")
    shutil.copyfile(bert_json, tmp_path / "bert" / "tokenizer.json")
    return tmp_path / "bert"


@pytest.fixture
def roberta(tmp_path, roberta_json):
    torch.manual_seed(0)
    config = RobertaConfig(vocab_size=50265, max_position_embeddings=34, **SMALL)
    RobertaForMaskedLM(config).save_pretrained(tmp_path / "roberta")
    shutil.copyfile(roberta_json, tmp_path / "roberta" / "tokenizer.json")
    return tmp_path / "roberta"


def read(directory, name):
    return json.loads((directory / name).read_text("utf-8"))


def others_are_kept(base, out):
    before, after = load_file(base / "model.safetensors"), load_file(out / "model.safetensors")
    tables = read(out, "vocabx.json")["tables"]
    assert before.keys() == after.keys() >= tables.keys()
    for name in before.keys() - tables.keys():
        assert torch.equal(after[name], before[name]), name
    return before, after


def test_gpt2_gets_a_chinese_tokenizer(vocabx, gpt2, byte_level, chinese_file, tmp_path):
    out = tmp_path / "out"
    options = ("--base", gpt2, "--tokenizer", byte_level, "--corpus", chinese_file, *FEW)
    run = vocabx("transfer", *options, "--out", out)
    assert run.code == 0, run.err
    assert "bits per byte" in run.out and "characters per token" in run.out and "copied" in run.out
    before, after = others_are_kept(gpt2, out)
    ours, theirs = AutoTokenizer.from_pretrained(out), Tokenizer.from_file(str(byte_level))
    for text in TEXTS:
        assert ours(text).input_ids == theirs.encode(text).ids
    assert (ours.bos_token, ours.eos_token, ours.pad_token) == ("<s>", "</s>", "<pad>")
    table, old = after["transformer.wte.weight"], before["transformer.wte.weight"]
    assert table.shape == (704, 16)
    vocabulary = Tokenizer.from_file(str(gpt2 / "tokenizer.json")).get_vocab()
    shared = {i: vocabulary[name] for name, i in theirs.get_vocab().items() if name in vocabulary}
    assert len(shared) > 256
    for new, source in shared.items():
        assert torch.equal(table[new], old[source])
    # The end-of-text token is the base's; nothing is known of the other special tokens.
    assert torch.equal(table[theirs.token_to_id("</s>")], old[50256])
    mean = old.double().mean(dim=0).float()
    torch.testing.assert_close(table[theirs.token_to_id("<cls>")], mean, rtol=0, atol=1e-7)
    model = AutoModelForCausalLM.from_pretrained(out)
    assert (model.config.vocab_size, model.config.eos_token_id, model.config.pad_token_id) == (704, 1, 2)
    assert model.generation_config.eos_token_id == 1
    assert model.generation_config.suppress_tokens == [700, 701, 702, 703]
    generated = model.generate(**ours("神", return_tensors="pt"), max_new_tokens=8)
    assert ours.decode(generated[0]) is not None


def test_the_manifest_and_the_card_record_the_transfer(vocabx, gpt2, byte_level, chinese_file, tmp_path):
    out = tmp_path / "out"
    options = ("--base", gpt2, "--tokenizer", byte_level, "--corpus", chinese_file, *FEW)
    run = vocabx("transfer", *options, "--out", out, "--json")
    report, manifest = json.loads(run.out), read(out, "vocabx.json")
    assert report["out"] == str(out) and report["passed"] is True
    assert {k: v for k, v in report.items() if k != "out"} == read(out, "report.json")
    assert (report["old_tokens"], report["tokens"], report["rows"], report["pad_rows"]) == (
        50257,
        700,
        704,
        4,
    )
    counts = report["counts"]
    assert counts["copied"] + counts["mixed"] + counts["drawn"] + counts["mean"] == 700
    assert (counts["special"], counts["mean"], counts["drawn"], counts["unknown"]) == (1, 3, 0, 0)
    assert report["target"]["tokens_share"] < 0.8
    assert report["target"]["extended"]["bits_per_byte"] > 0
    assert manifest["ranges"] == [
        {"first_id": 0, "count": 700, "source": "transferred"},
        {"first_id": 700, "count": 4, "source": "pad"},
    ]
    assert manifest["sizes"] == {"tokens": 700, "new_tokens": 700, "rows": 704, "pad_rows": 4}
    assert manifest["base"]["rows"] == 50257 and manifest["tied"] is True
    assert all(not claim["failed"] and claim["checked"] for claim in manifest["certificate"])
    card = (out / "README.md").read_text("utf-8")
    assert "not trained yet" in card and "vocabulary-transfer" in card
    # It extends nothing, so verify checks its records.
    assert vocabx("verify", out).code == 0
    (out / "config.json").write_text((out / "config.json").read_text() + "\n")
    assert vocabx("verify", out).code == 1


def test_two_runs_write_the_same_bytes(vocabx, gpt2, byte_level, chinese_file, tmp_path):
    options = ("--base", gpt2, "--tokenizer", byte_level, "--corpus", chinese_file, *FEW, "--no-evaluate")
    outs = [tmp_path / name for name in ("one", "two")]
    for out in outs:
        assert vocabx("transfer", *options, "--out", out, "--init", "univariate").code == 0
    for name in ("tokenizer.json", "model.safetensors", "config.json", "tokenizer_config.json"):
        assert (outs[0] / name).read_bytes() == (outs[1] / name).read_bytes(), name


def test_a_dry_run_writes_nothing(vocabx, gpt2, byte_level, chinese_file, tmp_path):
    out = tmp_path / "deep" / "out"
    options = ("--base", gpt2, "--tokenizer", byte_level, "--corpus", chinese_file, *FEW, "--out", out)
    run = vocabx("transfer", *options, "--dry-run")
    assert run.code == 0 and "50,257 → 700" in run.out
    plan = json.loads(vocabx("transfer", *options, "--dry-run", "--json").out)
    assert (plan["rows"], plan["pad_rows"], plan["evaluate"]) == (704, 4, True)
    assert not out.parent.exists()


def test_a_sentencepiece_model_is_kept_next_to_its_tokenizer(
    vocabx, gpt2, sentencepiece_model, chinese_file, tmp_path, verses
):
    out = tmp_path / "out"
    options = ("--base", gpt2, "--tokenizer", sentencepiece_model, "--corpus", chinese_file, *FEW)
    run = vocabx("transfer", *options, "--out", out, "--no-evaluate")
    assert run.code == 0, run.err
    given = sentencepiece.SentencePieceProcessor(model_file=str(sentencepiece_model))
    kept = sentencepiece.SentencePieceProcessor(model_file=str(out / "tokenizer.model"))
    ours = AutoTokenizer.from_pretrained(out)
    for text in [*verses[:300], "起初 God 2010"]:
        ids = given.encode(text)
        assert kept.encode(text) == ids == ours(text, add_special_tokens=False).input_ids
    others_are_kept(gpt2, out)


def test_rows_of_ids_without_a_token_are_suppressed(vocabx, gpt2, byte_level, chinese_file, tmp_path):
    spec = json.loads(byte_level.read_text("utf-8"))
    vocabulary = spec["model"]["vocab"]
    vocabulary[max(vocabulary, key=vocabulary.__getitem__)] += 10
    byte_level.write_text(json.dumps(spec), "utf-8")
    out = tmp_path / "out"
    options = ("--base", gpt2, "--tokenizer", byte_level, "--corpus", chinese_file, *FEW, "--no-evaluate")
    assert vocabx("transfer", *options, "--out", out, "--pad-to-multiple-of", 1).code == 0
    assert read(out, "generation_config.json")["suppress_tokens"] == list(range(699, 709))
    assert read(out, "vocabx.json")["ranges"] == [
        {"first_id": 0, "count": 699, "source": "transferred"},
        {"first_id": 699, "count": 10, "source": "pad"},
        {"first_id": 709, "count": 1, "source": "transferred"},
    ]
    assert AutoModelForCausalLM.from_pretrained(out).config.vocab_size == 710


def test_bert_gets_a_unigram_tokenizer(vocabx, bert, unigram, chinese_file, tmp_path):
    out = tmp_path / "out"
    options = ("--base", bert, "--tokenizer", unigram, "--corpus", chinese_file, *FEW)
    run = vocabx("transfer", *options, "--out", out)
    assert run.code == 0, run.err
    assert "masked bits per byte" in run.err and "unknown token" in run.out
    before, after = others_are_kept(bert, out)
    table, old = (t["bert.embeddings.word_embeddings.weight"] for t in (after, before))
    # unk, begin, end, pad and mask are [UNK], [CLS], [SEP], [PAD] and [MASK].
    assert torch.equal(table[:5], old[[100, 101, 102, 0, 103]])
    model, tokenizer = AutoModelForMaskedLM.from_pretrained(out), AutoTokenizer.from_pretrained(out)
    assert (model.config.pad_token_id, tokenizer.mask_token, tokenizer.pad_token) == (3, "<mask>", "<pad>")
    inputs = tokenizer(["起初<mask>", "神創造天地"], return_tensors="pt", padding=True)
    assert "token_type_ids" in inputs
    assert model(**inputs).logits.shape[-1] == 1536 == len(table)


def test_roberta_keeps_its_pad_token_and_its_positions(vocabx, roberta, unigram, chinese_file, tmp_path):
    out = tmp_path / "out"
    options = ("--base", roberta, "--tokenizer", unigram, "--corpus", chinese_file, *FEW)
    run = vocabx("transfer", *options, "--out", out)
    assert run.code == 0, run.err
    assert "moves from id 3 to 1" in run.err
    others_are_kept(roberta, out)
    model, tokenizer = AutoModelForMaskedLM.from_pretrained(out), AutoTokenizer.from_pretrained(out)
    assert tokenizer.pad_token_id == model.config.pad_token_id == 1
    assert (tokenizer.bos_token_id, model.config.bos_token_id) == (3, 3)
    given = Tokenizer.from_file(str(unigram))
    for text in TEXTS:
        ids = [{1: 3, 3: 1}.get(index, index) for index in given.encode(text).ids]
        assert tokenizer(text).input_ids == ids
    # Positions start where they did and padding does not count, so 32 tokens fit, as before.
    embeddings = model.roberta.embeddings
    ids = tokenizer(["神", "起初神創造天地" * 2], return_tensors="pt", padding=True).input_ids
    positions = embeddings.create_position_ids_from_input_ids(ids, embeddings.padding_idx)
    assert positions[:, 0].tolist() == [2, 2] and positions[0, -1] == 1
    assert model(torch.full((1, 32), 5)).logits.shape == (1, 32, 1536)
    # The begin and end tokens get the embeddings of the base's.
    before, after = load_file(roberta / "model.safetensors"), load_file(out / "model.safetensors")
    name = "roberta.embeddings.word_embeddings.weight"
    assert torch.equal(after[name][[3, 2, 1]], before[name][[0, 2, 1]])


@pytest.mark.parametrize("init", ["mean", "multivariate", "focus"])
def test_every_kind_of_method_initializes_a_whole_vocabulary(
    vocabx, gpt2, byte_level, chinese_file, tmp_path, init
):
    options = ("--base", gpt2, "--tokenizer", byte_level, "--corpus", chinese_file, *FEW, "--no-evaluate")
    run = vocabx("transfer", *options, "--out", tmp_path / "out", "--init", init)
    assert run.code == 0, run.err
    table = load_file(tmp_path / "out" / "model.safetensors")["transformer.wte.weight"]
    old = load_file(gpt2 / "model.safetensors")["transformer.wte.weight"]
    assert torch.isfinite(table).all() and torch.equal(table[1], old[50256])


def write_vectors(path, words):
    torch.manual_seed(len(words))
    lines = [f"{word} " + " ".join(f"{x:.4f}" for x in torch.randn(8).tolist()) for word in words]
    path.write_text(f"{len(words)} 8\n" + "\n".join(lines) + "\n", "utf-8")
    return path


@pytest.mark.parametrize("fallback", ["draw", "pieces"])
def test_wechsel_uses_word_vectors_in_both_languages(
    vocabx, roberta, unigram, chinese_file, tmp_path, fallback
):
    pairs = dict(
        zip(
            "god heaven earth light water day night man sea tree".split(), "神天地光水日夜人海樹", strict=True
        )
    )
    dictionary = tmp_path / "pairs.txt"
    dictionary.write_text("".join(f"{one}\t{other}\n" for one, other in pairs.items()), "utf-8")
    vectors = {
        "--source-vectors": write_vectors(tmp_path / "en.vec", list(pairs)),
        "--target-vectors": write_vectors(tmp_path / "zh.vec", list(pairs.values())),
        "--dictionary": dictionary,
    }
    options = ["--base", roberta, "--tokenizer", unigram, "--corpus", chinese_file, *FEW]
    options += [word for pair in vectors.items() for word in pair]
    run = vocabx(
        "transfer", *options, "--init", "wechsel", "--neighbours", 3, "--fallback", fallback,
        "--out", tmp_path / "out", "--json",
    )  # fmt: skip
    assert run.code == 0, run.err
    counts = json.loads(run.out)["counts"]
    assert counts["mixed"] > 0 and counts["special"] == 5
    assert (counts["drawn"] == 0) == (fallback == "pieces")
    manifest = read(tmp_path / "out", "vocabx.json")
    assert manifest["initializer"]["name"] == "wechsel"
    assert manifest["initializer"]["parameters"]["neighbours"] == 3
    others_are_kept(roberta, tmp_path / "out")


@pytest.fixture
def refused(vocabx, gpt2, byte_level, chinese_file, tmp_path):
    def run(**changes):
        options = {"base": gpt2, "tokenizer": byte_level, "corpus": chinese_file, "lang": "zh-Hant"}
        options |= {"init": "zip-tie", "out": tmp_path / "deep" / "out", **changes}
        words = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", value)]
        before = sorted(tmp_path.rglob("*"))
        result = vocabx("transfer", *words)
        assert result.code == 2, result
        assert result.out == "" and result.err.startswith("error: ") and result.err.count("\n") == 1
        assert sorted(tmp_path.rglob("*")) == before, "files were left behind"
        return result.err

    return run


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"tokenizer": "nowhere.json"}, "--tokenizer nowhere.json does not exist"),
        ({"tokenizer": "./nowhere"}, "does not exist"),
        ({"tokenizer": ""}, "which tokenizer?"),
        ({"init": "wechsle"}, "Did you mean wechsel?"),
        ({"lang": "zh-Hnat"}, "Did you mean zh-Hant?"),
        ({"pad_to_multiple_of": 0}, "--pad-to-multiple-of is 0"),
        ({"heldout_bytes": 10}, "--heldout-bytes is 10"),
        ({"seed": -1}, "--seed is -1"),
        ({"corpus": "nowhere*.txt"}, "no such text"),
        ({"base": "smolm2"}, "Did you mean smollm2?"),
    ],
)
def test_bad_input_is_refused_in_one_line(refused, changes, says):
    assert says in refused(**changes)


def test_a_file_that_is_not_a_tokenizer(refused, tmp_path):
    (tmp_path / "bad.json").write_text("{}")
    assert "cannot be read as a tokenizer" in refused(tokenizer=tmp_path / "bad.json")
    (tmp_path / "text.model").write_text("no model")
    assert "text.model" in refused(tokenizer=tmp_path / "text.model")
    (tmp_path / "empty").mkdir()
    assert "holds no tokenizer" in refused(tokenizer=tmp_path / "empty")


def test_the_tokenizer_of_the_base_is_refused(refused, gpt2, gpt2_json):
    assert "nothing would change" in refused(tokenizer=gpt2_json)
    assert "nothing would change" in refused(tokenizer=gpt2)


def test_a_directory_that_is_not_empty(refused, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("mine")
    assert "exists and is not empty" in refused(out=tmp_path / "full")


def test_roberta_and_a_tokenizer_without_a_pad_token(refused, roberta, byte_level):
    text = byte_level.read_text("utf-8").replace('"<pad>"', '"<fill>"')
    byte_level.write_text(text, "utf-8")
    assert "has no pad token" in refused(base=roberta)
