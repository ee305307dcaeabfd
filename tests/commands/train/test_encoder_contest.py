"""Encoders and encoder-decoders beside their base left alone, in its own tokenization."""

import shutil

import pytest
from ending import Ending

from vocabx import MergeOptions, merge
from vocabx.commands.train.run import train
from vocabx.errors import VocabxError
from vocabx.training.record import read_record

SETTINGS = {"contest": True, "max_steps": 12, "evaluate_every": 6, "rows_first": 0.0}


@pytest.fixture(scope="module")
def contest(options_of, tmp_path_factory):
    """A function that returns the finished contest of a kind, which tests only read."""
    directory, made = tmp_path_factory.mktemp("contests"), {}

    def run(kind):
        if kind not in made:
            made[kind] = train(options_of(kind, directory / kind, **SETTINGS))
        return made[kind]

    return run


@pytest.mark.parametrize("kind", ["bert", pytest.param("t5", marks=pytest.mark.slow)])
def test_the_base_is_trained_in_its_own_tokens(contest, kind):
    result = contest(kind)
    record, base = result.record, read_record(result.directory / "base-alone")
    assert base.objective == record.objective and base.first_id == base.rows < record.rows
    assert base.measured[-1].target_bits < base.measured[0].target_bits
    assert record.contest.measured == base.measured
    page = (result.directory / "report.html").read_text("utf-8")
    measure = {"bert": "masked", "t5": "span"}[kind] + " bits per byte"
    assert "base left alone" in page and f"{measure}, " in page


def test_all_of_the_text_counts_as_read_and_not_only_what_is_hidden(contest):
    record = contest("bert").record
    predicted, read = record.steps.tokens, record.measured[-1].text_bytes
    # 15 % of the tokens are predicted, of one byte or more each.
    assert read > 5 * predicted


@pytest.mark.slow
def test_both_models_hide_the_same_words_of_held_out_text(contest, options_of, monkeypatch, tmp_path):
    from vocabx.commands.train import loop

    seen = []
    scorer_of = loop.scorer_of

    def spied(plan, texts):
        seen.append(scorer_of(plan, texts))
        return seen[-1]

    monkeypatch.setattr(loop, "scorer_of", spied)
    train(options_of("roberta", tmp_path / "run", **{**SETTINGS, "max_steps": 10, "evaluate_every": 5}))
    extended, base = seen
    assert extended.tokenizer.size > base.tokenizer.size and extended.units.keys() == base.units.keys()
    for text, units in extended.units.items():
        assert (units.of_character == base.units[text].of_character).all()


@pytest.mark.slow
def test_an_interrupted_contest_of_an_encoder_goes_on(options_of, tmp_path):
    class InBase(Ending):
        def note(self, text):
            self.alone = getattr(self, "alone", False) or text.startswith("The base left alone")

        def status(self, text):
            if getattr(self, "alone", False):
                super().status(text)

    with pytest.raises(RuntimeError, match="gone"):
        train(options_of("bert", tmp_path / "run", **SETTINGS), InBase(4))
    resumed = train(options_of("bert", tmp_path / "run", **SETTINGS, resume=True))
    assert resumed.finished and resumed.record.contest is not None


@pytest.mark.slow
def test_a_contest_may_be_added_where_it_hides_the_same_words(whole, options_of, tmp_path):
    shutil.copytree(whole("bert").directory, tmp_path / "run")
    found = train(options_of("bert", tmp_path / "run", contest=True, resume=True))
    assert found.record.contest is not None


@pytest.mark.slow
def test_a_contest_that_hides_other_words_is_not_added(options_of, monkeypatch, tmp_path):
    from vocabx.commands.train import texts

    options = {"max_steps": 6, "save_every": 2, "evaluate_every": 0}
    with pytest.raises(RuntimeError, match="gone"):
        train(options_of("bert", tmp_path / "run", **options), Ending(3))
    options = {"max_steps": 6, "save_every": 2, "contest": True, "resume": True}
    units_in = texts.units_in

    def other(plan, passages, tokenizers):
        found = units_in(plan, passages, tokenizers)
        if len(tokenizers) > 1:
            for units in found.values():
                units.of_character[-1:] += 1
        return found

    monkeypatch.setattr(texts, "units_in", other)
    with pytest.raises(VocabxError, match="begun without --contest"):
        train(options_of("bert", tmp_path / "run", **options))


def test_the_base_of_an_encoder_can_be_merged(contest, tmp_path):
    run = contest("bert").directory / "base-alone"
    merge(MergeOptions(directory=run, out=tmp_path / "merged", compare=False))
    assert (tmp_path / "merged" / "model.safetensors").is_file()
