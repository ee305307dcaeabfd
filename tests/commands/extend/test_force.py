"""--force overwrites what vocabx wrote, and nothing else; --quiet says nothing."""

import json

from vocabx.checkpoint.staging import staged


def contents(directory):
    return {path.name: path.read_bytes() for path in directory.iterdir() if path.is_file()}


def test_force_replaces_an_earlier_result_and_nothing_else(extend, small_model, tmp_path):
    base, out = small_model(), tmp_path / "out"
    assert extend(base).code == 0
    before = contents(out)
    refused = extend(base, "--init", "mean")
    assert refused.code == 2 and "pass --force to overwrite" in refused.err
    assert contents(out) == before
    forced = extend(base, "--init", "mean", "--force")
    assert forced.code == 0, forced.err
    assert json.loads((out / "vocabx.json").read_text("utf-8"))["initializer"]["name"] == "mean"
    assert not [path.name for path in tmp_path.iterdir() if path.name.endswith((".replaced", ".unfinished"))]
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "vocabx.json").write_text('{"my": "file"}')
    refused = extend(base, "--force", out="mine")
    assert refused.code == 2 and "was not written by vocabx" in refused.err
    assert [path.name for path in mine.iterdir()] == ["vocabx.json"]


def test_force_never_overwrites_what_is_read_or_worked_in(extend, small_model, tmp_path, monkeypatch):
    assert extend(small_model()).code == 0
    out = tmp_path / "out"
    before = contents(out)
    refused = extend(out, "--force")
    assert refused.code == 2 and "which this command reads" in refused.err
    monkeypatch.chdir(out)
    refused = extend(small_model(tied=False), "--force")
    assert refused.code == 2 and "is the working directory" in refused.err
    (tmp_path / "link").symlink_to(out)
    monkeypatch.chdir(tmp_path)
    refused = extend(small_model(tied=False), "--force", out="link")
    assert refused.code == 2 and "is a link" in refused.err
    assert contents(out) == before


def test_a_failure_leaves_the_earlier_result(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "vocabx.json").write_text('{"format": 1, "version": "0.1.0"}')
    try:
        with staged(out, force=True) as scratch:
            (scratch / "half").write_text("")
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert [path.name for path in out.iterdir()] == ["vocabx.json"]


def test_quiet_prints_nothing_but_errors_and_json(extend, small_model, tmp_path):
    base = small_model()
    run = extend(base, "--quiet")
    assert (run.code, run.out, run.err, run.progress) == (0, "", "", ())
    run = extend(base, "--quiet")
    assert (run.code, run.out, run.err.count("\n")) == (2, "", 1)
    run = extend(base, "--quiet", "--json", "--force")
    assert json.loads(run.out)["passed"] is True and run.err == "" and run.progress == ()
