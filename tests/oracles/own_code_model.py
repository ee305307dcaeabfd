"""A small model whose class comes with its checkpoint: a Llama with names of its own for its matrices."""

import json
import shutil
from pathlib import Path
from typing import Any

CONFIGURATION = """
from transformers import LlamaConfig


class OddlyConfig(LlamaConfig):
    model_type = "oddly"
"""
MODELING = """
from torch import nn
from transformers import GenerationMixin, LlamaModel, LlamaPreTrainedModel
from transformers.modeling_outputs import CausalLMOutputWithPast

from .configuration_oddly import OddlyConfig


class OddlyModel(LlamaModel):
    config_class = OddlyConfig

    def __init__(self, config):
        super().__init__(config)
        self.lexicon = self.embed_tokens
        del self.embed_tokens

    def get_input_embeddings(self):
        return self.lexicon

    def set_input_embeddings(self, value):
        self.lexicon = value

    def forward(self, input_ids=None, inputs_embeds=None, **others):
        if inputs_embeds is None:
            inputs_embeds = self.lexicon(input_ids)
        return super().forward(inputs_embeds=inputs_embeds, **others)


class OddlyForCausalLM(LlamaPreTrainedModel, GenerationMixin):
    config_class = OddlyConfig
    _tied_weights_keys = {"speaker.weight": "model.lexicon.weight"}

    def __init__(self, config):
        super().__init__(config)
        self.model = OddlyModel(config)
        self.speaker = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.post_init()

    def get_output_embeddings(self):
        return self.speaker

    def set_output_embeddings(self, value):
        self.speaker = value

    def forward(self, input_ids=None, inputs_embeds=None, past_key_values=None, logits_to_keep=0, **others):
        others.pop("labels", None)
        found = self.model(
            input_ids, inputs_embeds=inputs_embeds, past_key_values=past_key_values, **others
        )
        kept = slice(-logits_to_keep, None) if logits_to_keep else slice(None)
        logits = self.speaker(found.last_hidden_state[:, kept])
        return CausalLMOutputWithPast(logits=logits, past_key_values=found.past_key_values)
"""
AUTO_MAP = {
    "AutoConfig": "configuration_oddly.OddlyConfig",
    "AutoModelForCausalLM": "modeling_oddly.OddlyForCausalLM",
}
INPUT, OUTPUT = "model.lexicon.weight", "speaker.weight"


def save_own_code_model(directory: Path, rows: int, tied: bool, tokenizer: Path | None = None) -> Any:
    """Save a random model with its code, and return its class."""
    import torch
    from transformers.dynamic_module_utils import get_class_from_dynamic_module

    directory.mkdir(parents=True)
    (directory / "configuration_oddly.py").write_text(CONFIGURATION)
    (directory / "modeling_oddly.py").write_text(MODELING)
    (directory / "config.json").write_text("{}")
    settings, made = (get_class_from_dynamic_module(name, directory) for name in AUTO_MAP.values())
    torch.manual_seed(0)
    config = settings(
        vocab_size=rows, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
        max_position_embeddings=512, tie_word_embeddings=tied, bos_token_id=0, eos_token_id=0,
    )  # fmt: skip
    made(config).save_pretrained(directory)
    path = directory / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "auto_map": AUTO_MAP}, indent=2))
    for file in sorted(tokenizer.iterdir()) if tokenizer else ():
        shutil.copyfile(file, directory / file.name)
    return made
