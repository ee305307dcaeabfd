from collections import Counter
from dataclasses import replace

import pytest

from vocabx.training.order import DecayOrder, Order


def order(**changes):
    whole = Order(target=50, replay=20, replay_share=0.25, target_subset=50, replay_subset=20, seed=0)
    return replace(whole, **changes)


def sequences_at(wanted, count):
    return [wanted.at(place) for place in range(count)]


def test_every_sequence_comes_once_before_any_is_repeated():
    target = [number for source, number in sequences_at(order(), 200) if source == "target"]
    assert sorted(target[:50]) == list(range(50))
    assert sorted(target[50:100]) == list(range(50))
    assert target[:50] != target[50:100]


@pytest.mark.parametrize("share", [0.0, 0.1, 0.25, 1 / 3, 0.9])
def test_replay_takes_its_share_of_any_stretch(share):
    taken = sequences_at(order(replay_share=share), 1000)
    for start in (0, 137, 600):
        count = sum(source == "replay" for source, _ in taken[start : start + 300])
        assert abs(count - 300 * share) <= 1


def test_the_order_does_not_depend_on_where_it_is_queried():
    assert [order().at(place) for place in (77, 3, 150)] == [
        sequences_at(order(), 151)[p] for p in (77, 3, 150)
    ]
    assert sequences_at(order(), 60) != sequences_at(order(seed=1), 60)


def test_a_longer_run_begins_like_a_shorter_one_over_the_same_text():
    assert sequences_at(order(target_subset=30), 40)[:40] == sequences_at(order(target_subset=45), 40)[:40]


def test_several_epochs_repeat_a_part_of_the_text():
    numbers = Counter(n for source, n in sequences_at(order(replay_share=0.0, target_subset=10), 40))
    assert len(numbers) == 10
    assert set(numbers.values()) == {4}


def test_without_replay_all_sequences_are_in_the_new_language():
    assert {source for source, _ in sequences_at(order(replay=0, replay_subset=0), 40)} == {"target"}


def decayed(begin, **changes):
    """The order of a run with 7 sequences of text for its decay, from a position on."""
    return DecayOrder(order(), order(target=7, target_subset=7, **changes), lambda: begin)


@pytest.mark.parametrize("begin", [0, 1, 37, 60])
def test_the_text_of_the_decay_begins_at_its_position_and_not_before(begin):
    found = sequences_at(decayed(begin), 80)
    assert found[:begin] == sequences_at(order(), begin)
    assert {source for source, _ in found[begin:]} == {"decay", "replay"}
    numbers = [number for source, number in found[begin:] if source == "decay"]
    assert sorted(numbers[:7]) == list(range(7))


def test_the_decay_goes_on_with_replay_where_the_stable_phase_ends():
    found = [number for source, number in sequences_at(decayed(40), 80) if source == "replay"]
    assert len(found) == 20
    assert sorted(found) == list(range(20))


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5])
def test_the_decay_has_a_share_of_replay_of_its_own(share):
    sources = [source for source, _ in sequences_at(decayed(40, replay_share=share), 140)]
    assert sources[:40].count("replay") == 10
    assert sources[40:].count("replay") == 100 * share


def test_each_pass_over_the_text_has_other_replay_as_far_as_there_is_some():
    wanted = order(replay=500, replay_subset=500, target_subset=30)
    found = sequences_at(wanted, 4 * 40)
    passes = [{number for source, number in found[at : at + 40] if source == "replay"} for at in (0, 40, 80)]
    assert [len(one) for one in passes] == [10, 10, 10]
    assert len(set.union(*passes)) == 30
