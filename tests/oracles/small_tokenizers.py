"""Small tokenizers of each family, trained on the given lines, with the files that a model directory has."""

import json
from pathlib import Path
from typing import Any

import sentencepiece
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers


def write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False), "utf-8")


def read_json(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def byte_level(directory: Path, lines: list[str], size: int = 400) -> Path:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=["<|endoftext|>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )  # fmt: skip
    tokenizer.train_from_iterator(lines, trainer)
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|endoftext|>"}
    return _written(directory, tokenizer, settings)


def wordpiece(directory: Path, lines: list[str], size: int = 400) -> Path:
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = trainers.WordPieceTrainer(vocab_size=size, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(lines, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    return _written(directory, tokenizer, {"tokenizer_class": "BertTokenizer", "do_lower_case": True})


def _written(directory: Path, tokenizer: Tokenizer, settings: dict[str, Any]) -> Path:
    directory.mkdir(parents=True)
    tokenizer.save(str(directory / "tokenizer.json"))
    write_json(directory / "tokenizer_config.json", settings)
    return directory


def character_bpe(directory: Path, lines: list[str], size: int = 400, **model: Any) -> Path:
    """As NLLB's, or with the given settings of the model."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, **model))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    tokenizer.train_from_iterator(
        lines, trainers.BpeTrainer(vocab_size=size, special_tokens=special, show_progress=False, **model)
    )
    tokenizer.add_special_tokens(["eng_Latn", "rus_Cyrl"])
    codes = [(name, tokenizer.token_to_id(name)) for name in ("eng_Latn", "</s>")]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="eng_Latn $A </s>", pair="eng_Latn $A $B </s>", special_tokens=codes
    )
    return _written(
        directory, tokenizer, {"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "<unk>"}
    )


def marked_bpe(directory: Path, lines: list[str], byte: bool, size: int = 500, **mark: str) -> Path:
    """Whose pieces mark the end of a word (CLIP, XLM) or what is inside one, over bytes or characters."""
    (name,) = mark
    tokenizer = Tokenizer(models.BPE(**mark, unk_token="<unk>"))
    alphabet = pre_tokenizers.ByteLevel.alphabet() if byte else []
    if byte and name == "end_of_word_suffix":
        words = pre_tokenizers.Split(Regex(r"\p{L}+|\p{N}|[^\s\p{L}\p{N}]+"), "removed", invert=True)
        bytes_ = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([words, bytes_])
    elif byte:
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    else:
        tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    ends = decoders.BPEDecoder(suffix="</w>")
    plain = ends if name == "end_of_word_suffix" else decoders.WordPiece(prefix=mark[name])
    tokenizer.decoder = decoders.ByteLevel() if byte else plain
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=["<unk>"], initial_alphabet=alphabet, show_progress=False, **mark
    )
    tokenizer.train_from_iterator(lines, trainer)
    spec = json.loads(tokenizer.to_str())
    vocabulary = spec["model"]["vocab"]
    for letter in sorted(alphabet):
        edge = letter + mark[name] if name == "end_of_word_suffix" else mark[name] + letter
        vocabulary.setdefault(edge, len(vocabulary))
    directory.mkdir(parents=True)
    write_json(directory / "tokenizer.json", spec)
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "<unk>"}
    write_json(directory / "tokenizer_config.json", settings)
    return directory


def unigram(directory: Path, lines: list[str], normalizer: Any, size: int = 400) -> Path:
    """With a normalizer that no SentencePiece model has."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=size, special_tokens=["<unk>"], unk_token="<unk>", show_progress=False
    )
    tokenizer.train_from_iterator(lines, trainer)
    return _written(
        directory, tokenizer, {"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "<unk>"}
    )


def sentencepiece_model(path: Path, lines: list[str], kind: str, size: int = 400, **settings: Any) -> Path:
    """A .model of a kind, "bpe" or "unigram", as the library trains it by default."""
    path.parent.mkdir(parents=True, exist_ok=True)
    prefix = path.parent / "trained"
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_prefix=str(prefix), vocab_size=size, model_type=kind,
        character_coverage=1.0, hard_vocab_limit=False, minloglevel=2, **settings,
    )  # fmt: skip
    prefix.with_suffix(".vocab").unlink()
    return prefix.with_suffix(".model").rename(path)


def translation(directory: Path, lines: list[str], kind: str) -> Path:
    """With the codes of all languages that transformers 5 knows of a class: "Nllb", "MBart" or "MBart50"."""
    from transformers import AutoTokenizer
    from transformers.models.nllb.tokenization_nllb import FAIRSEQ_LANGUAGE_CODES

    slow = directory.parent / f"{directory.name}-slow"
    sentencepiece_model(slow / "sentencepiece.bpe.model", lines, "bpe" if kind == "Nllb" else "unigram")
    write_json(slow / "tokenizer_config.json", {"tokenizer_class": f"{kind}Tokenizer"})
    AutoTokenizer.from_pretrained(slow).save_pretrained(directory)
    if kind != "Nllb":
        return directory
    # Its class makes no codes: they follow the pieces, and <mask> follows them, as in its releases.
    spec, settings = (read_json(directory / name) for name in ("tokenizer.json", "tokenizer_config.json"))
    *others, mask = spec["added_tokens"]
    codes = [
        {**others[0], "id": mask["id"] + n, "content": code} for n, code in enumerate(FAIRSEQ_LANGUAGE_CODES)
    ]
    added = [*others, *codes, {**mask, "id": mask["id"] + len(codes)}]
    spec["added_tokens"] = added
    spec["model"]["vocab"] |= {token["content"]: token["id"] for token in added}
    write_json(directory / "tokenizer.json", spec)
    settings["extra_special_tokens"] = FAIRSEQ_LANGUAGE_CODES
    write_json(directory / "tokenizer_config.json", settings)
    return directory
