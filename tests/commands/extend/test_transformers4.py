import json

from tokenizers import Tokenizer


def test_transformers_4_tokenizes_like_the_tokenizers_library(transformers4, smollm2, english, verses):
    texts = [*english[:200], *verses[:200]]
    rust = Tokenizer.from_file(str(smollm2 / "tokenizer.json"))
    answer = transformers4(smollm2, texts)
    assert answer["ids"] == [encoding.ids for encoding in rust.encode_batch(texts, add_special_tokens=False)]
    assert answer["decoded"] == texts


def test_transformers_4_reads_the_settings_of_the_tokenizer(transformers4, smollm2):
    answer = transformers4(smollm2, ["Hello"], special=True)
    config = json.loads((smollm2 / "tokenizer_config.json").read_text("utf-8"))
    rust = Tokenizer.from_file(str(smollm2 / "tokenizer.json"))
    assert answer["ids"] == [rust.encode("Hello").ids]
    for name in ("bos", "eos", "unk", "pad"):
        assert answer[name] == rust.token_to_id(config[f"{name}_token"]), name
    assert answer["model_max_length"] == config["model_max_length"]
    assert answer["chat_template"] == (smollm2 / "chat_template.jinja").read_text("utf-8")
    assert answer["class"] == config["tokenizer_class"]
    assert (answer["padding_side"], answer["truncation_side"]) == ("right", "right")
