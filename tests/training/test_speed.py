from vocabx.training import speed


def test_a_machine_too_busy_for_a_second_product_has_a_speed_too(monkeypatch):
    monkeypatch.setattr(speed, "_SECONDS", 0.0)
    assert speed.operations_a_second("cpu", "float32") > 0
