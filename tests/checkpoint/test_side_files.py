import json
import shutil
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from vocabx.checkpoint.grow import grow_checkpoint
from vocabx.checkpoint.read_checkpoint import read_checkpoint
from vocabx.checkpoint.side_files import COMPOSED, find_side_files
from vocabx.errors import BaseModelError
from vocabx.mixture.initialization import everywhere
from vocabx.mixture.mixture import without_rows

NEW = 8


@pytest.fixture
def base(small_model) -> Path:
    return small_model()


def grown(base: Path) -> Path:
    target = base.parent / "grown"
    target.mkdir()
    checkpoint = read_checkpoint(base)
    mixture = everywhere(without_rows(NEW, checkpoint.input.rows, 1.0, None))
    grow_checkpoint(checkpoint, mixture, target, range(0))
    return target


def put(base: Path, name: str, content: object = "content") -> None:
    (base / name).parent.mkdir(exist_ok=True)
    text = content if isinstance(content, str) else json.dumps(content)
    (base / name).write_text(text, "utf-8")


def names(directory: Path) -> set[str]:
    return {path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file()}


STALE = {
    "tekken.json": {"config": {"default_vocab_size": 600}, "vocab": []},
    "tokenizer.model.v3": "pieces",
    "vocab.json": {"a": 0},
    "merges.txt": "a b",
    "params.json": {"dim": 16, "vocab_size": 600},
    "another_name.json": {"text": {"vocab_size": 600}},
    "consolidated.safetensors": "weights",
    "pytorch_model.bin": "weights",
    "adapter_config.json": {"peft_type": "LORA", "base_model_name_or_path": "elsewhere"},
    "adapter_model.safetensors": "weights",
    "quantize_config.json": {"bits": 4},
    "trainer_state.json": {"global_step": 1},
    "handler.py": "print()",
    "1_Pooling/config.json": {"pooling_mode_mean_tokens": True},
    "onnx/model.onnx": "weights",
}


@pytest.mark.parametrize("name", STALE)
def test_what_would_make_the_result_something_else_is_left_out_and_named(base, name):
    before = names(grown(base))
    shutil.rmtree(base.parent / "grown")
    put(base, name, STALE[name])
    assert names(grown(base)) == before
    sentence = find_side_files(base, 600, frozenset({"model.safetensors"})).sentence
    assert sentence.startswith("Not copied from the base: ") and name.partition("/")[0] in sentence


def test_settings_licences_and_templates_are_carried(base):
    carried = {
        "preprocessor_config.json": {"size": 224},
        "LICENSE": "all of it",
        "license.txt": "all of it",
        "USE_POLICY.md": "be good",
        "chat_template_tools.jinja": "{{ x }}",
        "no_object.json": [1, 2],
    }
    for name, content in carried.items():
        put(base, name, content)
    target = grown(base)
    for name in carried:
        assert (target / name).read_bytes() == (base / name).read_bytes()
    assert find_side_files(base, 600, frozenset({"model.safetensors"})).sentence == ""


def with_code(base: Path, name: str = "config.json", **auto_map: object) -> None:
    path = base / name
    content = json.loads(path.read_text("utf-8")) if path.exists() else {}
    put(base, name, {**content, "auto_map": auto_map})


def test_code_that_the_settings_name_comes_along_with_what_it_imports(base):
    with_code(base, AutoModelForCausalLM="modeling_own.Own", AutoConfig="someone/else--configuration.Config")
    with_code(base, "preprocessor_config.json", AutoProcessor=["processing_own.Own", None])
    put(base, "modeling_own.py", "import json\nfrom .layers_own import Layer\n")
    put(base, "layers_own.py", "import .deep_own\n")
    for name in ("deep_own.py", "processing_own.py", "stray.py"):
        put(base, name)
    target = grown(base)
    code = {"modeling_own.py", "layers_own.py", "deep_own.py", "processing_own.py"}
    assert {name for name in names(target) if name.endswith(".py")} == code
    config = json.loads((target / "config.json").read_text())
    assert config["auto_map"]["AutoModelForCausalLM"] == "modeling_own.Own"


@pytest.mark.parametrize("file", ["modeling_own.py", "layers_own.py"])
def test_settings_do_not_name_code_that_is_missing(base, file):
    put(base, "modeling_own.py", "from .layers_own import Layer\n")
    put(base, "layers_own.py")
    (base / file).unlink()
    for name in ("config.json", "preprocessor_config.json"):
        with_code(base, name, AutoModel="modeling_own.Own")
    target = grown(base)
    for name in ("config.json", "preprocessor_config.json"):
        assert "auto_map" not in json.loads((target / name).read_text())
    assert f"(names {file}, which is missing)" in find_side_files(base).sentence


def sentence_transformer(base: Path) -> set[str]:
    """Make a base one of sentence-transformers, with a dense layer; returns the names that belong to it."""
    kinds = {"": "Transformer", "1_Pooling": "Pooling", "2_Dense": "Dense", "3_Normalize": "Normalize"}
    modules = [
        {"idx": n, "name": str(n), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for n, (path, kind) in enumerate(kinds.items())
    ]
    put(base, "modules.json", modules)
    put(base, "sentence_bert_config.json", {"max_seq_length": 128, "do_lower_case": False})
    put(base, "config_sentence_transformers.json", {"prompts": {"query": "q: "}})
    put(base, "1_Pooling/config.json", {"word_embedding_dimension": 16, "pooling_mode_mean_tokens": True})
    put(base, "2_Dense/config.json", {"in_features": 16, "out_features": 4, "bias": False})
    import torch

    save_file({"linear.weight": torch.ones(4, 16)}, base / "2_Dense" / "model.safetensors")
    return {name for name in names(base) if name not in COMPOSED and not name.startswith("model.")}


def test_a_sentence_transformer_comes_out_whole(base):
    wanted = sentence_transformer(base)
    assert {"modules.json", "1_Pooling/config.json", "2_Dense/model.safetensors"} < wanted
    target = grown(base)
    for name in wanted:
        assert (target / name).read_bytes() == (base / name).read_bytes()


def test_a_sentence_transformer_whose_module_is_missing_is_left_a_plain_model(base):
    sentence_transformer(base)
    shutil.rmtree(base / "1_Pooling")
    assert "modules.json" not in names(grown(base))
    assert "modules.json (names 1_Pooling, which is missing)" in find_side_files(base).sentence


def test_a_module_of_the_size_of_the_vocabulary_is_refused(base):
    sentence_transformer(base)
    import torch

    save_file({"weight": torch.ones(600)}, base / "2_Dense" / "model.safetensors")
    with pytest.raises(BaseModelError, match="2_Dense of sentence-transformers depends on the vocabulary"):
        grown(base)


def test_modules_outside_the_directory_are_refused(base):
    put(base, "modules.json", [{"idx": 0, "name": "0", "path": "../other", "type": "own.Module"}])
    with pytest.raises(BaseModelError, match="points outside"):
        grown(base)


@pytest.mark.parametrize("what", ["folder", "file"])
def test_a_module_that_is_a_link_out_of_the_directory_is_refused(base, what):
    sentence_transformer(base)
    outside = base.parent / "outside"
    shutil.move(base / "1_Pooling", outside)
    if what == "folder":
        (base / "1_Pooling").symlink_to(outside)
    else:
        (base / "1_Pooling").mkdir()
        (base / "1_Pooling" / "config.json").symlink_to(outside / "config.json")
    with pytest.raises(BaseModelError, match="is a link to a file outside"):
        grown(base)


def test_modules_in_the_hubs_cache_are_carried(base):
    """Each file of a snapshot is a link to a blob of its repository."""
    wanted = sentence_transformer(base)
    repository = base.parent / "models--someone--model"
    snapshot = repository / "snapshots" / "abc"
    (repository / "blobs").mkdir(parents=True)
    for number, name in enumerate(sorted(names(base))):
        shutil.copyfile(base / name, repository / "blobs" / str(number))
        (snapshot / name).parent.mkdir(parents=True, exist_ok=True)
        (snapshot / name).symlink_to(repository / "blobs" / str(number))
    assert wanted <= names(grown(snapshot))


@pytest.mark.parametrize("kind", ["LlamaModel", "LlamaForSequenceClassification", "unnamed"])
def test_an_untied_decoder_without_its_head_is_extended(base, kind):
    """Embedding and reward models are saved so; their lm_head does not exist anywhere."""
    config = json.loads((base / "config.json").read_text())
    named = {} if kind == "unnamed" else {"architectures": [kind]}
    config.pop("architectures")
    put(base, "config.json", {**config, **named, "tie_word_embeddings": False})
    tensors = load_file(base / "model.safetensors")
    start = "" if kind != "LlamaForSequenceClassification" else "model."
    tensors = {start + name.removeprefix("model."): tensor for name, tensor in tensors.items()}
    tensors.pop("lm_head.weight", None)
    save_file(tensors, base / "model.safetensors", metadata={"format": "pt"})
    target = grown(base)
    checkpoint = read_checkpoint(target)
    assert not checkpoint.generates and checkpoint.output is None and checkpoint.input.rows == 600 + NEW
    assert checkpoint.config["tie_word_embeddings"] is False

    from transformers import AutoModel

    assert AutoModel.from_pretrained(target).get_input_embeddings().weight.shape == (600 + NEW, 16)


def test_a_decoder_that_has_lost_its_head_is_refused(base):
    config = json.loads((base / "config.json").read_text())
    put(base, "config.json", {**config, "tie_word_embeddings": False})
    with pytest.raises(BaseModelError, match="there is no lm_head"):
        read_checkpoint(base)
