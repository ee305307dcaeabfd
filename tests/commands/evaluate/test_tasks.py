"""`vocabx evaluate --tasks` on a tiny base and its extension, with lm-eval itself.

`make test-slow` installs lm-eval; the scores where tokens straddle are tested in tests/evaluation.
"""

import json
import math

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from vocabx import ExtendOptions, extend
from vocabx.evaluation.boundary import Vocabulary, continuation_scores, split_group
from vocabx.tokenizer.read_tokenizer import read_tokenizer

pytestmark = pytest.mark.slow
LITTLE = ("--heldout-bytes", 1000, "--samples", 0)
TASK = """
task: {name}
dataset_path: json
dataset_kwargs:
  data_files: {{test: {data}}}
output_type: multiple_choice
test_split: test
doc_to_text: "{{{{context}}}}"
doc_to_target: "{{{{label}}}}"
doc_to_choice: "{{{{choices}}}}"
target_delimiter: ""
metric_list:
  - {{metric: acc, aggregation: mean, higher_is_better: true}}
"""


@pytest.fixture(scope="module")
def model(small_extended, tmp_path_factory):
    """The base of `small_extended` with enough tokens that some are words."""
    out, texts = tmp_path_factory.mktemp("more") / "extended", small_extended.texts
    base = json.loads((small_extended() / "vocabx.json").read_text("utf-8"))["base"]["name"]
    made = extend(
        ExtendOptions(
            base=base, lang="zh-Hant", out=out, corpus=(str(texts / "zh.jsonl"),), new_tokens=700,
            base_text=(str(texts / "en.txt"),), evaluate=False, heldout_bytes=1000, adversarial=50,
        )
    )  # fmt: skip
    assert made.certificate.passed
    return out


@pytest.fixture
def arguments(small_extended, model):
    texts = small_extended.texts
    return (model, "--corpus", texts / "zh.jsonl", "--base-text", texts / "en.txt", *LITTLE)


@pytest.fixture
def task(tmp_path):
    """A function that writes a task file of examples: context, choices, and the number of the right one."""

    def write(name, examples):
        data, file = tmp_path / f"{name}.json", tmp_path / f"{name}.yaml"
        rows = [
            {"context": context, "choices": choices, "label": label} for context, choices, label in examples
        ]
        data.write_text(json.dumps(rows, ensure_ascii=False), "utf-8")
        file.write_text(TASK.format(name=name, data=data), "utf-8")
        return file

    return write


def new_words(model):
    """The texts of new tokens of two characters."""
    tokenizer = read_tokenizer(model)
    texts = [tokenizer.text_of(index) for index in tokenizer.token_bytes if index >= 600]
    return [text for text in texts if text and len(text) == 2]


def plain_scores(directory, context, choices):
    """The scores of choices, computed with `boundary` on a model in float64."""
    tokenizer = read_tokenizer(directory)
    model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float64)
    own, *joint = tokenizer.encode([context, *(context + choice for choice in choices)])

    def ask(before, tokens):
        with torch.no_grad():
            logits = model(torch.tensor([[*before, *tokens][:-1]])).logits[0, -len(tokens) :]
        return torch.log_softmax(logits, dim=-1).numpy()

    split = split_group(own, joint)
    return [score for score, _ in continuation_scores(split, Vocabulary(tokenizer.token_bytes), ask)]


def test_both_models_run_a_local_task_side_by_side(vocabx, arguments, model, task, verses, tmp_path):
    # Split within what is one new token.
    places = [(verse, verse.find(word, 3) + 1) for word in new_words(model) for verse in verses]
    halves = [(verse[:place], verse[place : place + 8]) for verse, place in places if place > 3][::7][:12]
    examples = [
        (first, [second, halves[(n + 5) % 12][1]] if n % 2 else [halves[(n + 5) % 12][1], second], 0)
        for n, (first, second) in enumerate(halves)
    ]
    out = tmp_path / "out"
    run = vocabx("evaluate", *arguments, "--tasks", task("halves", examples), "--out", out)
    assert run.code == 0, run.err
    found = json.loads((out / "evaluation.json").read_text("utf-8"))["models"]
    base = json.loads((model / "vocabx.json").read_text("utf-8"))["base"]["name"]
    for one, directory in zip(found, (base, model), strict=True):
        (number,) = one["tasks"]
        right = [np.argmax(plain_scores(directory, first, choices)) == 0 for first, choices, _ in examples]
        assert (number["task"], number["metric"]) == ("halves", "acc")
        assert number["value"] == pytest.approx(np.mean(right)) and number["higher_is_better"]
        assert one["boundaries"]["pairs"] == 24
        assert f"{number['value']:.4f}" in run.out
    # The base reads Chinese as bytes, of which none straddles characters.
    assert found[0]["boundaries"]["straddled"] == 0 < found[1]["boundaries"]["straddled"]
    page = (out / "evaluation.html").read_text("utf-8")
    assert "with a token that straddles the two" in page and "with a token that straddles" in " ".join(
        run.out.split()
    )


def test_a_continuation_that_one_token_swallows_whole_is_scored(vocabx, arguments, model, task):
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    from vocabx.evaluation.task_model import TaskModel

    words = new_words(model)[:5]
    loaded, tokenizer = AutoModelForCausalLM.from_pretrained(model), AutoTokenizer.from_pretrained(model)
    requests = [
        Instance("loglikelihood", {}, ("see " + word[0], word[1]), number)
        for number, word in enumerate(words)
    ]
    # What tokens do in lm-eval itself: nothing of the continuation is left.
    with pytest.raises(AssertionError):
        HFLM(pretrained=loaded, tokenizer=tokenizer).loglikelihood(requests, disable_tqdm=True)
    seen = TaskModel(loaded, tokenizer, read_tokenizer(model))
    found = seen.loglikelihood(requests, disable_tqdm=True)
    for word, (score, greedy) in zip(words, found, strict=True):
        (expected,) = plain_scores(model, "see " + word[0], [word[1]])
        assert score == pytest.approx(expected, abs=1e-4) and score <= 0 and isinstance(greedy, bool)
    assert seen.boundaries.straddled == seen.boundaries.pairs == len(words)


def test_where_nothing_straddles_the_scores_are_those_of_lm_eval(model, english):
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    from vocabx.evaluation.task_model import TaskModel

    loaded, tokenizer = AutoModelForCausalLM.from_pretrained(model), AutoTokenizer.from_pretrained(model)
    lines = [line.split() for line in english if len(line.split()) > 6][:10]
    pairs = [(" ".join(words[:3]), " " + " ".join(words[3:])) for words in lines]
    # A context that ends in a space, which goes to what follows; and none at all.
    pairs += [(pairs[0][0] + " ", pairs[0][1][1:]), ("", "Alone."), ("  ", "Alone.")]
    requests = [Instance("loglikelihood", {}, pair, number) for number, pair in enumerate(pairs)]
    own = HFLM(pretrained=loaded, tokenizer=tokenizer).loglikelihood(requests[:-1], disable_tqdm=True)
    seen = TaskModel(loaded, tokenizer, read_tokenizer(model))
    found = seen.loglikelihood(requests[:-1], disable_tqdm=True)
    assert found == own and seen.boundaries.straddled == 0
    assert all(math.isfinite(score) for score, _ in found)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("hellaswagg", "Did you mean hellaswag?"),
        ("nowhere.yaml", "no such task file: nowhere.yaml"),
        ("{damaged}", "lm-eval cannot load the task "),
        (
            "{hub}",
            "needs a data set of the hub, which is not there or cannot be reached: pass a task file with",
        ),
    ],
)
def test_a_task_that_cannot_be_run_is_refused_before_the_work(
    vocabx, arguments, task, tmp_path, monkeypatch, name, says
):
    import datasets

    (tmp_path / "damaged.yaml").write_text("task: damaged\noutput_type: multiple_choice\n", "utf-8")
    hub = task("hub", [("a", ["b"], 0)])
    hub.write_text(hub.read_text("utf-8").replace("dataset_path: json", "dataset_path: owner/name"), "utf-8")
    load = datasets.load_dataset

    def offline(path, *args, **more):
        if path == "owner/name":
            raise ConnectionError("Couldn't reach 'owner/name' on the Hub")
        return load(path, *args, **more)

    monkeypatch.setattr(datasets, "load_dataset", offline)
    given = name.format(damaged=tmp_path / "damaged.yaml", hub=hub)
    run = vocabx("evaluate", *arguments, "--tasks", given)
    assert run.code == 2, run
    assert says in run.err and run.err.count("\n") == 1 and run.out == ""
    assert "Scoring" not in run.err


def test_the_number_of_examples_can_be_limited(vocabx, arguments, task):
    file = task("short", [("The word ", ["is", "was"], 0)] * 7)
    run = vocabx("evaluate", *arguments, "--tasks", file, "--task-examples", 3, "--json")
    assert run.code == 0, run.err
    assert [model["boundaries"]["pairs"] for model in json.loads(run.out)["models"]] == [6, 6]
