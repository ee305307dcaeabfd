"""Real pieces shared by the tests: SmolLM2's tokenizer, real Chinese text, and small random models."""

import json
import shutil
from pathlib import Path

import pytest

from vocabx.checkpoint.base import find_base
from vocabx.corpus.packaged import read_packaged
from vocabx.languages import find_language
from vocabx.progress import Quiet
from vocabx.tokenizer.alphabet import Alphabet
from vocabx.tokenizer.byte_level import ByteLevelTokenizer, read_tokenizer
from vocabx.tokenizer.extension import Extension, extend_tokenizer


@pytest.fixture(scope="session")
def smollm2() -> Path:
    """The directory of the real SmolLM2-135M, unpacked from its package."""
    return find_base("smollm2", Quiet()).directory


@pytest.fixture(scope="session")
def base(smollm2: Path) -> ByteLevelTokenizer:
    return read_tokenizer(smollm2)


@pytest.fixture(scope="session")
def chinese() -> Alphabet:
    language = find_language("zh-Hant")
    return Alphabet(language.scripts, language.blocks)


@pytest.fixture(scope="session")
def verses() -> list[str]:
    """Some 200 kB of real Traditional Chinese, a verse a line."""
    bible = next(p.file for p in find_language("zh-Hant").packaged if p.file.package == "bibletk")
    lines = [line for document in read_packaged(bible) for line in document.text.split("\n") if line]
    return lines[:2500]


@pytest.fixture(scope="session")
def english() -> list[str]:
    topics = find_language("en").packaged[0].file
    lines = [line for document in read_packaged(topics) for line in document.text.split("\n")]
    return [line for line in lines if line.strip()]


@pytest.fixture(scope="session")
def extension(base: ByteLevelTokenizer, chinese: Alphabet, verses: list[str]) -> Extension:
    """SmolLM2's tokenizer with 1,000 tokens learned from the verses."""
    return extend_tokenizer(base, verses, chinese, 1000, base.size, Quiet())


@pytest.fixture
def tiny_model(tmp_path: Path, smollm2: Path):
    """A function that makes a small random Llama with SmolLM2's tokenizer, in a directory of its own."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    def make(tied: bool = True, dtype: str = "bfloat16", rows: int = 49152, shard: str = "5GB") -> Path:
        torch.manual_seed(0)
        config = LlamaConfig(
            vocab_size=rows,
            hidden_size=16,
            intermediate_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            max_position_embeddings=4096,
            tie_word_embeddings=tied,
            bos_token_id=1,
            eos_token_id=2,
        )
        directory = tmp_path / f"tiny-{tied}-{dtype}-{rows}-{shard}"
        model = LlamaForCausalLM(config).to(getattr(torch, dtype))
        model.save_pretrained(directory, max_shard_size=shard)
        for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
            shutil.copyfile(smollm2 / name, directory / name)
        return directory

    return make


@pytest.fixture
def chinese_file(tmp_path: Path, verses: list[str]) -> Path:
    """The verses as a .jsonl file, ten verses a document."""
    path = tmp_path / "verses.jsonl"
    groups = ["\n".join(verses[i : i + 10]) for i in range(0, len(verses), 10)]
    path.write_text("".join(json.dumps({"text": g}, ensure_ascii=False) + "\n" for g in groups), "utf-8")
    return path
