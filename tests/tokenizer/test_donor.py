"""Donors of any family and file format, for bases of every family."""

import io
import shutil

import pytest
from real_tokenizers import read_once
from sentencepiece import SentencePieceTrainer
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from vocabx.errors import TokenizerError
from vocabx.progress import Quiet
from vocabx.tokenizer.donor import build_donor_merges, of_language, read_donor
from vocabx.tokenizer.extension import TokenRequest, extend_tokenizer
from vocabx.tokenizer.read_tokenizer import read_tokenizer
from vocabx.tokenizer.verify import Texts, verify
from vocabx.tokenizer.write import write_tokenizer

# Every kind of donor occurs, and every base gets donors of its own family and of others.
PAIRS = [
    ("bpe_model", "llama2"),
    ("bpe_model", "bert"),
    ("unigram_model", "gpt2"),
    ("unigram_model", "t5"),
    ("byte_level_json", "llama2"),
    ("wordpiece_json", "t5"),
    ("directory", "gpt2"),
    ("tiktoken_file", "bert"),
]
BASES = {"llama2": "llama2_json", "gpt2": "gpt2_json", "t5": "t5_json", "bert": "bert_json"}
KINDS = ["bpe_model", "unigram_model", "byte_level_json", "wordpiece_json", "directory", "tiktoken_file"]


@pytest.fixture(scope="module")
def text(verses, english):
    """The donors' training text: realistic Chinese, with English and years in it."""
    years = [f"{verse[:6]} in {year} AD" for year, verse in enumerate(verses[:200], 1900)]
    return [*verses, *english[:600], *years]


@pytest.fixture(scope="module")
def donors(text, tmp_path_factory, llama3_tiktoken):
    """The file or directory of each kind of donor, 3,500 tokens each except the real one."""
    folder = tmp_path_factory.mktemp("donors")
    found = {"tiktoken_file": llama3_tiktoken}
    for kind in ("bpe", "unigram"):
        data = io.BytesIO()
        SentencePieceTrainer.train(
            sentence_iterator=iter(text), model_writer=data, model_type=kind, vocab_size=3500,
            character_coverage=0.999, minloglevel=2, num_threads=2, normalization_rule_name="identity",
            byte_fallback=kind == "bpe",
        )  # fmt: skip
        found[f"{kind}_model"] = folder / f"{kind}.model"
        found[f"{kind}_model"].write_bytes(data.getvalue())
    byte_level = Tokenizer(models.BPE())
    byte_level.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    byte_level.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    byte_level.train_from_iterator(
        text, trainers.BpeTrainer(vocab_size=3500, show_progress=False, initial_alphabet=alphabet)
    )
    wordpiece = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    wordpiece.normalizer = normalizers.BertNormalizer(lowercase=False, handle_chinese_chars=False)
    wordpiece.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    wordpiece.train_from_iterator(
        text,
        trainers.WordPieceTrainer(
            vocab_size=3500, limit_alphabet=900, show_progress=False, special_tokens=["[UNK]"]
        ),
    )
    for kind, tokenizer in (("byte_level_json", byte_level), ("wordpiece_json", wordpiece)):
        found[kind] = folder / f"{kind}.json"
        tokenizer.save(str(found[kind]))
    found["directory"] = folder / "directory"
    found["directory"].mkdir()
    write_tokenizer(read_tokenizer(found["bpe_model"]), folder, found["directory"])
    return found


@pytest.fixture(scope="module")
def bases(request):
    return {name: read_once(request.getfixturevalue(file)) for name, file in BASES.items()}


@pytest.fixture(scope="module", params=PAIRS, ids="-into-".join)
def given(request, donors, bases, verses, chinese):
    """The tokens of a donor, and a base extended with them."""
    kind, name = request.param
    # The first 2,000 are enough, except for the real donor, whose Chinese tokens come later.
    tokens, base = read_donor(donors[kind])[: None if kind == "tiktoken_file" else 2000], bases[name]
    return tokens, extend_tokenizer(
        base, verses[:400], chinese, TokenRequest(donor=tokens), base.size, Quiet()
    )


def test_every_required_claim_holds(given, chinese, verses, english):
    _, extension = given
    texts = Texts(verses[:400], english[:400], adversarial=1000)
    claims = verify(extension.base, extension.tokenizer, chinese, texts).claims
    assert {claim.name: claim.examples for claim in claims if claim.required and claim.failed} == {}
    (reachable,) = (claim for claim in claims if claim.name == "reachable")
    assert reachable.checked == len(extension.pieces) > 50


def test_new_tokens_are_the_donors_and_their_intermediates(given, chinese):
    tokens, extension = given
    donor_merges = extension.donor_merges
    assert donor_merges.taken + donor_merges.intermediates == len(extension.pieces)
    fitting = of_language(tokens, chinese.allows_token)
    # BERT puts spaces around Chinese characters: one with a leading space is the same piece as one without.
    theirs = {*fitting, *(token.strip() for token in fitting if not extension.base.needs_parts)}
    assert sum(token not in theirs for token in extension.pieces) == donor_merges.intermediates
    assert len(fitting) >= donor_merges.taken + donor_merges.dropped + donor_merges.known


def test_no_donor_token_of_another_language_is_added(given, chinese, english):
    tokens, extension = given
    assert sum(token.isascii() for token in tokens) > 50, "the donor has no harmful tokens to leave out"
    for token in extension.pieces:
        assert not token.isascii()
        assert chinese.allows_token(token)
    lines = ["2010", "in 2010 and 1999", *english[:1000]]
    assert extension.tokenizer.encode(lines) == extension.base.encode(lines)


def test_running_text_is_tokenized_into_the_donors_tokens(given, verses):
    _, extension = given
    before, after = (t.encode(verses[:400]) for t in (extension.base, extension.tokenizer))
    if extension.base.loses_text:
        new = sum(index in extension.new_ids for ids in after for index in ids)
        assert new > 0.3 * sum(map(len, after))
    else:
        assert sum(map(len, after)) < 0.75 * sum(map(len, before))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_donor_file_is_read_completely(donors, chinese, kind):
    tokens = read_donor(donors[kind])
    assert len(tokens) == len(set(tokens)) > 3000
    assert sum(len(token.decode().strip()) > 1 for token in of_language(tokens, chinese.allows_token)) > 300
    assert not any(token in tokens for token in (b"<s>", b"</s>", b"[UNK]", b"<unk>"))
    if kind == "directory":
        assert tokens == read_donor(donors["bpe_model"])


def test_intermediates_are_added_or_tokens_dropped_and_both_are_counted(donors, bases, chinese):
    tokens = read_donor(donors["unigram_model"])[:1500]
    added, dropped = (
        build_donor_merges(bases["llama2"], tokens, chinese.allows_token, add_intermediates)
        for add_intermediates in (True, False)
    )
    assert added.intermediates > 0 == dropped.intermediates
    assert dropped.dropped > added.dropped
    assert added.taken + added.dropped == dropped.taken + dropped.dropped
    assert added.known == dropped.known
    kept, all_of_them = ({merge.token for merge in found.merges} for found in (dropped, added))
    assert kept < all_of_them
    known = set(bases["llama2"].known_bytes)
    for merge in dropped.merges:
        assert not merge.left or {merge.left, merge.right} <= known
        known.add(merge.token)
    assert kept - bases["llama2"].known_bytes <= set(tokens), "an intermediate was added after all"


def test_unigram_and_wordpiece_need_no_intermediates(donors, bases, chinese):
    tokens = read_donor(donors["unigram_model"])[:1000]
    for name in ("t5", "bert"):
        added, dropped = (
            build_donor_merges(bases[name], tokens, chinese.allows_token, add_intermediates)
            for add_intermediates in (True, False)
        )
        assert added == dropped
        assert added.intermediates == 0


def test_the_requested_number_of_tokens_is_the_first_that_the_base_can_represent(
    donors, bases, verses, chinese
):
    tokens, base = read_donor(donors["bpe_model"]), bases["t5"]
    lacking = [t for t in of_language(tokens, chinese.allows_token) if t not in base.known_bytes]
    # T5's normalizer makes full-width forms half-width, so tokens of full-width forms never occur.
    usable = [token for token in lacking if base.keeps(token.decode())]
    assert usable[:200] != lacking[:200]
    request = TokenRequest(200, donor=tokens)
    extension = extend_tokenizer(base, verses[:50], chinese, request, base.size, Quiet())
    assert extension.pieces.keys() == set(usable[:200])
    assert extension.donor_merges.taken == 200
    assert extension.donor_merges.dropped == len(lacking) - len(usable)


def test_the_same_donor_gives_the_same_tokenizer(donors, bases, verses, chinese):
    tokens, base = read_donor(donors["unigram_model"])[:800], bases["llama2"]
    once, again = (
        extend_tokenizer(
            base, verses[:100], chinese, TokenRequest(donor=tokens), base.size, Quiet()
        ).tokenizer
        for _ in range(2)
    )
    assert once.spec == again.spec
    assert once.companions() == again.companions()


def test_white_space_that_the_normalizer_replaces_becomes_no_token(bases, verses, chinese):
    # The ideographic space is in the language's block; T5 and BERT turn it into a plain space.
    donor = ["　".encode(), "神　".encode(), " 神　".encode(), "神說".encode(), "．".encode()]
    extension = extend_tokenizer(
        bases["t5"], verses[:50], chinese, TokenRequest(donor=donor), 32_100, Quiet()
    )
    assert list(extension.pieces) == ["神說".encode()]


def test_a_donor_without_tokens_of_the_language_adds_nothing(bases, verses, chinese):
    donor = [b"the", b" of", b"2010", "мир".encode(), b"\xe4", b" "]
    base = bases["llama2"]
    extension = extend_tokenizer(base, verses[:50], chinese, TokenRequest(donor=donor), base.size, Quiet())
    assert extension.pieces == {}
    assert extension.tokenizer.vocabulary == base.vocabulary
    assert extension.tokenizer.encode(verses[:50]) == base.encode(verses[:50])


@pytest.mark.parametrize("content", [b"", b"no tokenizer\n", b"aGVsbG8= 0\nnot base64 1\n"])
def test_a_file_that_is_no_donor_gives_a_one_line_error(tmp_path, content):
    path = tmp_path / "donor.model"
    path.write_bytes(content)
    with pytest.raises(TokenizerError) as refused:
        read_donor(path)
    assert "\n" not in str(refused.value)


def test_a_directory_without_tokenizer_json_is_read_from_its_model(donors, tmp_path):
    shutil.copyfile(donors["directory"] / "tokenizer.model", tmp_path / "tokenizer.model")
    assert read_donor(tmp_path) == read_donor(donors["directory"])
