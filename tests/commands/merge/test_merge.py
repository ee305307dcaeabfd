import json
from pathlib import Path

import pytest
import torch
from finished_runs import FIRST, LORA, QLORA, ROWS, finished_run, small_base
from msgspec.structs import replace
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from vocabx.checkpoint.recorded import recorded_claims
from vocabx.commands.merge import run as merging
from vocabx.commands.merge.load_run import load_run
from vocabx.commands.merge.options import MergeOptions
from vocabx.commands.merge.run import merge
from vocabx.errors import BaseModelError, OptionError, OutputError, TrainingError
from vocabx.progress import Quiet
from vocabx.training.methods import Method

EMBEDDING, HEAD = "model.embed_tokens.weight", "lm_head.weight"
IDS = torch.arange(2, 48)[None]


def merged(run: Path, **options: object) -> Path:
    out = run.with_name(f"{run.name}-merged-{options.get('onto', '')}")
    merge(MergeOptions(directory=run, out=out, compare=False, **options))
    return out


def tensors_of(directory: Path) -> dict[str, torch.Tensor]:
    return {k: v for path in sorted(directory.glob("*.safetensors")) for k, v in load_file(path).items()}


def load(directory: Path):
    return AutoModelForCausalLM.from_pretrained(directory, local_files_only=True, dtype="auto").eval()


def logits_of(model) -> torch.Tensor:
    with torch.no_grad():
        return model(IDS).logits.float()


def same_bits(one: torch.Tensor, two: torch.Tensor) -> bool:
    return one.dtype == two.dtype and torch.equal(one.view(torch.uint8), two.view(torch.uint8))


def check_same_logits(run: Path, out: Path) -> None:
    torch.testing.assert_close(logits_of(load(out)), logits_of(load_run(run)), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", ["llama", "gemma2", "phi", "gpt2", "gpt_neox", "bloom", "opt", "qwen3_moe"])
def test_a_merged_lora_model_gives_the_logits_of_the_trained_one(kind: str, tmp_path: Path):
    run = finished_run(small_base(tmp_path / "base", kind), tmp_path / "run")
    out = merged(run)
    assert not torch.allclose(logits_of(load(tmp_path / "base")), logits_of(load(out)), atol=1e-3)
    check_same_logits(run, out)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32"])
@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("shard", ["5GB", "6KB"])
def test_old_rows_keep_their_bits_and_new_rows_are_the_trained_ones(
    dtype: str, tied: bool, shard: str, tmp_path: Path
):
    base = small_base(tmp_path / "base", dtype=dtype, tied=tied, shard=shard)
    assert (len(list(base.glob("*.safetensors"))) > 1) == (shard == "6KB")
    run = finished_run(base, tmp_path / "run")
    before, after = tensors_of(base), tensors_of(merged(run))
    rows = load_file(run / "rows.safetensors")
    assert before.keys() == after.keys()
    for name, kind in ((EMBEDDING, "input"),) if tied else ((EMBEDDING, "input"), (HEAD, "output")):
        assert same_bits(before[name][:FIRST], after[name][:FIRST]), name
        assert same_bits(rows[kind].to(before[name].dtype), after[name][FIRST:]), name
        assert not torch.equal(before[name][FIRST:], after[name][FIRST:]), name
    for name in before:
        assert before[name].dtype == after[name].dtype
        if "norm" in name:
            assert same_bits(before[name], after[name]), name


def test_a_tied_matrix_that_is_stored_twice_stays_tied(tmp_path: Path):
    base = small_base(tmp_path / "base", tied=True)
    tensors = tensors_of(base)
    save_file({**tensors, HEAD: tensors[EMBEDDING].clone()}, base / "model.safetensors", {"format": "pt"})
    after = tensors_of(merged(finished_run(base, tmp_path / "run")))
    assert same_bits(after[EMBEDDING], after[HEAD])
    assert not torch.equal(after[HEAD], tensors[EMBEDDING])


def test_the_bias_of_the_lm_head_is_merged_too(tmp_path: Path):
    base = small_base(tmp_path / "base", "phi", tied=False)
    run = finished_run(base, tmp_path / "run")
    before, after = tensors_of(base)["lm_head.bias"], tensors_of(merged(run))["lm_head.bias"]
    assert same_bits(before[:FIRST], after[:FIRST])
    assert torch.equal(after[FIRST:], load_file(run / "rows.safetensors")["bias"])


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_weights_are_those_that_peft_merges(kind: str, tmp_path: Path):
    run = finished_run(small_base(tmp_path / "base", kind), tmp_path / "run")
    after = load(merged(run)).state_dict()
    by_peft = load_run(run).merge_and_unload().state_dict()
    linear = [name for name in after if "proj.weight" in name or "c_fc.weight" in name]
    assert linear
    for name in linear:
        torch.testing.assert_close(after[name], by_peft[name], rtol=1e-6, atol=1e-7)


def test_a_sum_is_rounded_once(tmp_path: Path):
    base = small_base(tmp_path / "base", dtype="bfloat16")
    run = finished_run(base, tmp_path / "run", replace(LORA, dtype="bfloat16"))
    name, scale = "model.layers.0.self_attn.q_proj", LORA.alpha / LORA.rank
    adapter = load_file(run / "adapter" / "adapter_model.safetensors")
    a, b = (adapter[f"base_model.model.{name}.lora_{part}.weight"].double() for part in "AB")
    exact = tensors_of(base)[f"{name}.weight"].double() + scale * (b @ a)
    wrong = tensors_of(merged(run))[f"{name}.weight"] != exact.bfloat16()
    # In float32 a tie may round the other way.
    assert wrong.float().mean() < 0.01


@pytest.mark.parametrize("kind", ["llama", "gpt2", "qwen2_moe"])
def test_a_merged_qlora_model_gives_the_logits_of_the_trained_one(kind: str, tmp_path: Path):
    run = finished_run(small_base(tmp_path / "base", kind), tmp_path / "run", QLORA)
    check_same_logits(run, merged(run))


def test_merging_onto_the_trained_weights_is_closer_than_onto_the_original_ones(tmp_path: Path):
    base = small_base(tmp_path / "base", dtype="bfloat16", intermediate_size=128)
    run = finished_run(base, tmp_path / "run", replace(QLORA, dtype="bfloat16"))
    trained = logits_of(load_run(run))
    far = [(logits_of(load(merged(run, onto=onto))) - trained).norm() for onto in ("trained", "original")]
    assert far[0] < far[1] / 3


def test_merging_onto_the_original_weights_only_adds_the_adapters(tmp_path: Path):
    base = small_base(tmp_path / "base")
    run = finished_run(base, tmp_path / "run", QLORA)
    name = "model.layers.0.mlp.down_proj"
    adapter = load_file(run / "adapter" / "adapter_model.safetensors")
    a, b = (adapter[f"base_model.model.{name}.lora_{part}.weight"] for part in "AB")
    found = tensors_of(merged(run, onto="original"))[f"{name}.weight"]
    torch.testing.assert_close(found, tensors_of(base)[f"{name}.weight"] + 1.5 * (b @ a))


@pytest.mark.parametrize("method", [LORA, QLORA])
def test_adapters_on_both_embedding_matrices_change_every_row(method: Method, tmp_path: Path):
    base = small_base(tmp_path / "base", tied=False)
    run = finished_run(base, tmp_path / "run", replace(method, tables=True))
    assert not (run / "rows.safetensors").exists()
    out = merged(run)
    for name in (EMBEDDING, HEAD):
        assert (tensors_of(base)[name] != tensors_of(out)[name]).any(dim=1).all()
    check_same_logits(run, out)


@pytest.mark.parametrize("kind", ["llama", "gpt2", "phi", "gpt_neox"])
def test_a_merged_full_model_gives_the_logits_of_the_trained_one(kind: str, tmp_path: Path):
    run = finished_run(small_base(tmp_path / "base", kind), tmp_path / "run", Method("full", "float32"))
    check_same_logits(run, merged(run))


def test_method_rows_leaves_files_without_embeddings_unchanged(tmp_path: Path):
    base = small_base(tmp_path / "base", tied=False, shard="6KB")
    run = finished_run(base, tmp_path / "run", Method("rows", "float32"))
    out = merged(run, link=True)
    check_same_logits(run, out)
    linked = [path.name for path in out.glob("*.safetensors") if path.samefile(base / path.name)]
    assert linked and len(linked) < len(list(out.glob("*.safetensors")))


def test_weights_without_the_prefix_of_the_headed_class_are_merged(tmp_path: Path):
    base = small_base(tmp_path / "base")
    stripped = {name.removeprefix("model."): tensor for name, tensor in tensors_of(base).items()}
    save_file(stripped, base / "model.safetensors", {"format": "pt"})
    run = finished_run(base, tmp_path / "run")
    out = merged(run)
    assert tensors_of(out).keys() == stripped.keys()
    check_same_logits(run, out)


def test_the_manifest_records_the_training_and_matches_the_files(tmp_path: Path):
    base = small_base(tmp_path / "base", tied=False, shard="6KB")
    run = finished_run(base, tmp_path / "run")
    out = merged(run)
    manifest = json.loads((out / "vocabx.json").read_text())
    assert manifest["training"]["method"]["name"] == "lora"
    assert manifest["training"]["onto"] == "trained"
    assert (out / "training.json").read_bytes() == (run / "training.json").read_bytes()
    assert all(claim.holds for claim in recorded_claims(out))
    assert (out / "model.safetensors.index.json").is_file()


def test_a_merged_model_can_be_trained_again(tmp_path: Path):
    first = merged(finished_run(small_base(tmp_path / "base"), tmp_path / "run"))
    second = merged(finished_run(first, tmp_path / "again"))
    training = json.loads((second / "vocabx.json").read_text())["training"]
    assert training["before"] == json.loads((first / "vocabx.json").read_text())["training"]


def test_another_base_is_refused(tmp_path: Path):
    base = small_base(tmp_path / "base")
    run = finished_run(base, tmp_path / "run")
    base.rename(tmp_path / "moved")
    with pytest.raises(BaseModelError, match="pass the checkpoint that was trained with --base"):
        merged(run)
    small_base(base, initializer_range=0.5)
    with pytest.raises(
        BaseModelError, match=r"was trained on: its .* differs; pass the right one with --base"
    ):
        merged(run)
    assert merged(run, base=str(tmp_path / "moved")).is_dir()


def test_adapters_of_other_shapes_are_refused(tmp_path: Path):
    base = small_base(tmp_path / "base", tied=True)
    run = finished_run(base, tmp_path / "run")
    table = tensors_of(base)[EMBEDDING]
    small_base(base, tied=True, intermediate_size=64)
    save_file({**tensors_of(base), EMBEDDING: table}, base / "model.safetensors", {"format": "pt"})
    with pytest.raises(TrainingError, match="it belongs to another base"):
        merged(run)


@pytest.mark.parametrize("name", ["rows.safetensors", "adapter/adapter_model.safetensors"])
def test_trained_files_that_changed_since_are_refused(name: str, tmp_path: Path):
    run = finished_run(small_base(tmp_path / "base"), tmp_path / "run")
    content = bytearray((run / name).read_bytes())
    content[-1] ^= 1
    (run / name).write_bytes(content)
    with pytest.raises(TrainingError, match="damaged or replaced"):
        merged(run)
    (run / name).unlink()
    with pytest.raises(TrainingError, match="lacks"):
        merged(run)


def test_an_unfinished_run_is_refused(tmp_path: Path):
    with pytest.raises(TrainingError, match=r"has no training\.json"):
        merged(tmp_path / "nothing")
    (tmp_path / "run.unfinished").mkdir()
    with pytest.raises(TrainingError, match="is not finished: resume"):
        merged(tmp_path / "run")


def test_bad_options_are_refused_before_anything_is_read(tmp_path: Path):
    run = finished_run(small_base(tmp_path / "base"), tmp_path / "run")
    with pytest.raises(OptionError, match="--onto is 'both'"):
        merged(run, onto="both")
    with pytest.raises(OutputError, match="is not empty"):
        merge(MergeOptions(directory=run, out=run))


def test_numbers_too_large_for_the_stored_dtype_are_refused_and_leave_no_files(tmp_path: Path):
    base = small_base(tmp_path / "base", dtype="float16")
    run = finished_run(base, tmp_path / "run", size=300.0)
    with pytest.raises(TrainingError, match="too large for float16"):
        merged(run)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["base", "run"]


def test_after_a_transfer_every_row_is_new(tmp_path: Path):
    base = small_base(tmp_path / "base")
    run = finished_run(base, tmp_path / "run", first=0)
    out = merged(run)
    assert len(load_file(run / "rows.safetensors")["input"]) == ROWS
    check_same_logits(run, out)


class Notes(Quiet):
    def __init__(self) -> None:
        self.said: list[str] = []

    def note(self, text: str) -> None:
        self.said.append(text)


def test_the_comparison_is_skipped_with_a_note_if_memory_holds_only_one_model(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(merging, "fits", lambda size, free: False)
    run = finished_run(small_base(tmp_path / "base"), tmp_path / "run")
    notes = Notes()
    result = merge(MergeOptions(directory=run, out=tmp_path / "out"), notes)
    assert result.agreement is None
    assert notes.said == ["Not compared with the trained model: the free memory does not hold both."]


def test_another_kind_of_device_than_in_training_is_noted(tmp_path: Path):
    run = finished_run(small_base(tmp_path / "base"), tmp_path / "run", QLORA)
    path = run / "training.json"
    path.write_text(path.read_text().replace('"device": "cpu"', '"device": "some GPU"'))
    notes = Notes()
    merge(MergeOptions(directory=run, out=tmp_path / "out", compare=False), notes)
    assert notes.said == ["The model was trained on some GPU; its weights are quantized again on cpu."]
