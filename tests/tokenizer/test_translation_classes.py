"""Classes for translation keep their ids and their codes of languages, in both versions of transformers."""

import json
import shutil
from itertools import islice, permutations

import pytest
import torch
from small_tokenizers import read_json, translation, write_json
from transformers import AutoTokenizer

from vocabx import ExtendOptions, extend
from vocabx.progress import Quiet
from vocabx.tokenizer.alphabet import Alphabet
from vocabx.tokenizer.extension import TokenRequest, extend_tokenizer
from vocabx.tokenizer.read_tokenizer import read_tokenizer
from vocabx.tokenizer.stated_class import PLAIN, stated_class
from vocabx.tokenizer.verify import Texts, verify
from vocabx.tokenizer.write import write_tokenizer

RUSSIAN = [
    "Старый привратник приветствовал прибывших при свете лампы.",
    "Прохожие кланялись привратнику.",
] * 8
TEXTS = ["the word", " two  spaces", *RUSSIAN[:2]]
# The model type that stands beside the tokenizer, and two codes.
KINDS = {
    "Nllb": ("m2m_100", "eng_Latn", "rus_Cyrl"),
    "MBart": ("mbart", "en_XX", "ru_RU"),
    "MBart50": ("mbart", "en_XX", "ru_RU"),
}


@pytest.fixture(scope="module", params=KINDS)
def made(request, tmp_path_factory, english):
    """The kind, the directory of a base and that of its extension, and both tokenizers."""
    root = tmp_path_factory.mktemp(request.param)
    directory, out = translation(root / "base", english[:600], request.param), root / "out"
    out.mkdir()
    for one in (directory, out):
        write_json(one / "config.json", {"model_type": KINDS[request.param][0]})
    return request.param, directory, out, *extended(directory, out)


def extended(directory, out, lines=RUSSIAN, script="Cyrillic"):
    base = read_tokenizer(directory)
    alphabet = Alphabet((script,))
    found = extend_tokenizer(base, lines, alphabet, TokenRequest(None), base.size + 5, Quiet()).tokenizer
    write_tokenizer(found, directory, out, beside=read_json(out / "config.json")["model_type"])
    claims = verify(base, found, alphabet, Texts(lines, RUSSIAN, adversarial=100), (directory, out)).claims
    assert [claim for claim in claims if claim.required and claim.failed] == []
    return base, found


def test_the_class_is_kept_and_the_source_language_can_be_switched(made, transformers4):
    kind, directory, out, base, found = made
    _, first, other = KINDS[kind]
    loaded, before = (AutoTokenizer.from_pretrained(one) for one in (out, directory))
    assert type(loaded) is type(before) and type(loaded).__name__ == f"{kind}Tokenizer"
    assert len(loaded) == found.size
    for code in (first, other, first):
        loaded.src_lang = before.src_lang = code
        ids = loaded(TEXTS)["input_ids"]
        assert ids == transformers4(out, TEXTS, special=True, source=code)["ids"]
        assert sum(row.count(base.vocabulary[code]) for row in ids) == len(TEXTS)
        assert loaded("the word")["input_ids"] == before("the word")["input_ids"]
    for text in (loaded, before):
        text.tgt_lang = other
    assert loaded(text_target="the word")["input_ids"] == before(text_target="the word")["input_ids"]


def test_every_code_keeps_its_id_after_saving_and_loading_again(made, transformers4, tmp_path):
    kind, _, out, base, found = made
    _, first, other = KINDS[kind]
    loaded = AutoTokenizer.from_pretrained(out)
    loaded.save_pretrained(tmp_path / "five")
    wanted = transformers4(out, TEXTS, special=True, save=str(tmp_path / "four"), source=first)["ids"]
    assert wanted == loaded(TEXTS)["input_ids"]
    assert transformers4(tmp_path / "four", TEXTS, special=True, source=other)["ids"] != wanted
    codes = [token["content"] for token in base.spec["added_tokens"]]
    for one in (tmp_path / "five", tmp_path / "four"):
        again = AutoTokenizer.from_pretrained(one)
        again.src_lang = first
        assert again(TEXTS)["input_ids"] == wanted and len(again) == found.size
        assert again.convert_tokens_to_ids(codes) == [base.vocabulary[code] for code in codes]


def test_an_extension_of_an_extension_keeps_the_class(made, tmp_path):
    kind, _, out, _, _ = made
    shutil.copyfile(out / "config.json", tmp_path / "config.json")
    extended(out, tmp_path, ["ο παλιός θυρωρός χαιρέτησε τους περαστικούς"] * 9, "Greek")
    assert type(AutoTokenizer.from_pretrained(tmp_path)).__name__ == f"{kind}Tokenizer"


@pytest.mark.parametrize("change", [
    {"normalizer": {"type": "NFKC"}}, {"decoder": {"type": "Fuse"}}, {"pre_tokenizer": None}, "no codes",
], ids=str)  # fmt: skip
def test_a_file_that_the_class_would_not_build_gets_the_generic_class(made, change):
    kind, _, _, _, found = made
    model_type, first, _ = KINDS[kind]

    def stated(spec):
        config = {"tokenizer_class": f"{kind}Tokenizer"}
        return stated_class(spec, found.vocabulary, config, model_type, model_type)[0]

    lacking = [token for token in found.spec["added_tokens"] if token["content"] != first]
    changes = {"added_tokens": lacking} if change == "no codes" else change
    assert stated(found.spec) == f"{kind}Tokenizer" and stated({**found.spec, **changes}) == PLAIN


def test_a_translation_model_is_extended_with_its_tokenizer(tmp_path, english):
    from transformers import M2M100Config, M2M100ForConditionalGeneration

    directory = translation(tmp_path / "base", english[:600], "Nllb")
    size = read_tokenizer(directory).size
    torch.manual_seed(0)
    config = M2M100Config(
        vocab_size=size + 4, d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=16, decoder_ffn_dim=16, max_position_embeddings=64,
    )  # fmt: skip
    model = M2M100ForConditionalGeneration(config).eval()
    model.save_pretrained(directory)
    words = RUSSIAN[0].lower().split()
    russian = [" ".join(order) for order in islice(permutations(words), 300)]
    for name, lines in (("ru.txt", russian), ("en.txt", english[600:800])):
        (tmp_path / name).write_text("\n".join(lines), "utf-8")
    options = ExtendOptions(
        base=str(directory), lang="ru", out=tmp_path / "out", corpus=(str(tmp_path / "ru.txt"),),
        base_text=(str(tmp_path / "en.txt"),), evaluate=False, new_tokens=20, adversarial=50,
        heldout_bytes=1000,
    )  # fmt: skip
    assert extend(options).certificate.passed
    after = M2M100ForConditionalGeneration.from_pretrained(tmp_path / "out").eval()
    before, loaded = (AutoTokenizer.from_pretrained(one) for one in (directory, tmp_path / "out"))
    loaded.src_lang = before.src_lang = "rus_Cyrl"
    text = loaded("the word", return_tensors="pt")
    assert text["input_ids"].tolist() == [before("the word")["input_ids"]]
    target = torch.tensor([[2, loaded.convert_tokens_to_ids("eng_Latn")]])
    with torch.no_grad():
        one, other = (m(**text, decoder_input_ids=target).logits for m in (model, after))
    assert torch.equal(one, other[..., : size + 4])
    assert (
        len(loaded) == other.shape[-1] == json.loads((tmp_path / "out/config.json").read_text())["vocab_size"]
    )
    new = loaded(RUSSIAN[0], return_tensors="pt")
    assert int(new["input_ids"].max()) >= size + 4
    start = loaded.convert_tokens_to_ids("eng_Latn")
    made = after.generate(**new, forced_bos_token_id=start, max_new_tokens=5, min_new_tokens=5)
    assert made[0, 1] == start
