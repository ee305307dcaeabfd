from vocabx.checkpoint.special_ids import SpecialIds

SPECIAL = SpecialIds({0: 2, 1: 3, 7: 5}, {"bos": 2, "eos": 3, "pad": 1})


def test_the_image_token_id_is_mapped_under_its_older_and_newer_name():
    config = {
        "image_token_id": 7, "image_token_index": 7, "boi_token_index": 8, "mm_tokens_per_image": 7,
        "tokens_per_second": 7, "text_config": {"image_token_index": 7},
    }  # fmt: skip
    moved, dropped = SPECIAL.in_generation_config(config)
    assert moved["image_token_id"] == moved["image_token_index"] == 5
    assert moved["text_config"]["image_token_index"] == 5
    assert moved["boi_token_index"] is None and dropped == ["boi_token_index"]
    assert moved["mm_tokens_per_image"] == moved["tokens_per_second"] == 7


def test_the_decoder_start_token_is_mapped_with_the_token_it_is():
    moved, _ = SPECIAL.in_config({"pad_token_id": 0, "decoder_start_token_id": 0, "eos_token_id": 1})
    assert moved["decoder_start_token_id"] == 2 and moved["eos_token_id"] == 3
