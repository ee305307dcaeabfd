from vocabx.evaluation.fertility import count_tokens, encode_speeds, token_curve


def test_the_curve_ends_at_the_length_with_the_finished_tokenizer(extension, verses):
    merges = [*extension.selection.merges, *extension.further]
    curve = token_curve(extension.base, merges, [0, 10, 1000, 1500, 10**6], verses[:300])
    assert curve[0] == count_tokens(extension.base, verses[:300])
    assert curve[1000] == count_tokens(extension.tokenizer, verses[:300])
    assert curve[0] > curve[10] > curve[1000] > curve[1500]
    assert 10**6 not in curve


def test_speed_is_measured_for_each_tokenizer(extension, verses):
    speeds = encode_speeds([extension.base, extension.tokenizer], verses)
    assert len(speeds) == 2
    assert min(speeds) > 0
