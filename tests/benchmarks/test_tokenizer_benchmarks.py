"""The benchmarks of tokenizers at toy sizes: they run, peers too, and their figures make sense."""

from pathlib import Path

import catalogues
import runtimes
from catalogue_files import mo_file

ADVERSARIAL = ("--adversarial", 40)


def test_every_benchmark_has_a_run_at_a_toy_size():
    here = Path(__file__).resolve().parent
    tests = "".join(path.read_text(encoding="utf-8") for path in here.glob("test_*.py"))
    benchmarks = here.parents[1] / "benchmarks"
    scripts = {
        path.stem
        for path in benchmarks.glob("*.py")
        if "\n    run_script(main" in path.read_text(encoding="utf-8")
    }
    assert len(scripts) > 10
    assert not [name for name in sorted(scripts) if f'"{name}"' not in tests]


def test_learning_is_timed_beside_the_trainer_from_scratch(toy, some_verses):
    found = toy("learn", "--mb", 0.03, "--new-tokens", 60, "--corpus", some_verses, results="learn-0.03mb")
    assert len(found["vocabx_seconds"]) == len(found["trainer_from_scratch_seconds"]) == 3
    assert min(*found["vocabx_seconds"], *found["trainer_from_scratch_seconds"]) > 0
    assert found["ratio_of_medians"] > 0
    assert found["held_out_tokens_share"] < 1
    assert 0.02 < found["text_mb"] < 0.04
    assert found["peak_memory_mb"] > 0


def test_learning_at_full_size_has_both_bases_and_their_own_trainers(toy, chinese_file):
    name = "learn-large-0.1mb"
    options = ("--mb", 0.1, "--new-tokens", 1800, "--corpus", chinese_file)
    found = toy("learn_large", *options, results=name)
    byte_level, sentencepiece = found["rows"]
    assert byte_level["peer"] == "train_new_from_iterator"
    assert sentencepiece["peer"] == "SentencePiece BPE"
    for row in found["rows"]:
        assert row["seconds over peer"] > 0
        assert row["peak over peer"] > 0
        assert row["held-out ratio"] < 1
        assert row["peak MB"] >= row["before learning MB"] > 0
    assert found["text"]["bytes"].keys() == {"packaged"}


def test_encoding_is_timed_on_one_core_and_on_all(toy, some_verses, english_file):
    found = toy(
        "encode", "--new-tokens", 60, "--rounds", 3, "--heldout-bytes", 5000, "--corpus", some_verses,
        "--base-text", english_file,
    )  # fmt: skip
    for cores in ("one core", "all cores"):
        assert found[cores].keys() == {"zh-Hant, held out", "en"}
        for ratio in found[cores].values():
            low, high = ratio["ratio_min_max"]
            assert 0 < low <= ratio["ratio"] <= high
            assert ratio["base_characters_per_second"] > 0
            assert ratio["extended_characters_per_second"] > 0


def test_default_text_is_measured_on_text_of_another_domain(toy, hindi_catalogues, words_at_hand):
    found = toy(
        "default_text", "--languages", "hi", "--new-tokens", 40, "--learn-bytes", 30_000,
        "--other-bytes", 2000, "--catalogues", hindi_catalogues, results="default-text",
    )  # fmt: skip
    (row,) = found["rows"]
    assert (row["language"], row["text"], row["new tokens"]) == ("hi", "words", 40)
    for ratio in row["ratios"].values():
        assert ratio["floor"] < ratio["ratio"] < 1


def test_tokens_are_shared_among_languages_in_three_ways(toy, three_catalogues):
    found = toy(
        "parity", "--languages", "hi", "ta", "--many", "hi", "ta", "ru", "--new-tokens", 60,
        "--characters", 3000, "--catalogues", three_catalogues,
    )  # fmt: skip
    assert found["information"].keys() == {"bzip2", "bytes", "characters", "tokens of the base"}
    assert found["shared"].keys() == {"base", "none", "equal shares", "parity"}
    for row in found["shared"].values():
        assert row["worst over best"] >= 1
        assert row["ratio"].keys() == {"hi", "ta"}


def test_superwords_are_measured_beside_words(toy, three_catalogues):
    found = toy(
        "superwords", "--languages", "ru", "--new-tokens", 60, "--learn-bytes", 30_000, "--lines", 50,
        "--catalogues", three_catalogues,
    )  # fmt: skip
    words, superwords = found["rows"]
    assert words["of several words"] == 0
    assert words["new tokens"] == superwords["new tokens"]
    assert superwords["english lines changed"] == 0
    assert superwords["ratio"] < 1


def test_a_base_is_extended_for_each_language_without_a_failure(
    toy, some_verses, english_file, hindi_catalogues
):
    found = toy(
        "families", "--languages", "zh-Hant", "hi", "--bases", "Mistral v1", "--new-tokens", 30,
        *ADVERSARIAL, "--corpus", some_verses, "--base-text", english_file, "--catalogues", hindi_catalogues,
    )  # fmt: skip
    rows = {row["base"]: row for row in found["rows"]}
    assert rows.keys() == {"Mistral v1, zh-Hant", "Mistral v1, hi"}
    assert rows["Mistral v1, zh-Hant"]["new tokens"] == 30
    for row in found["rows"]:
        assert row["family"] == "SentencePiece BPE"
        assert row["new tokens"] > 0
        assert row["ratio"] < 1
        for heading in ("base tokens moved", "English lines changed", "adversarial strings changed"):
            failed, _, checked = row[heading].partition(" of ")
            assert failed == "0"
            assert int(checked.replace(",", "")) > 0
        for reader in ("SentencePiece", "transformers"):
            assert row[f"{reader} disagrees"].startswith("0 of ")
    assert found["learning_bytes"].keys() == {"zh-Hant", "hi"}


def test_a_donor_is_trained_and_its_tokens_are_added(toy, small_tokenizer, chinese_file, english_file):
    found = toy(
        "donor", "--pieces", 2600, "--bases", small_tokenizer, *ADVERSARIAL, "--corpus", chinese_file,
        "--base-text", english_file,
    )  # fmt: skip
    add, drop = found["rows"]
    assert [add["base"], drop["base"]] == [f"{small_tokenizer}, add", f"{small_tokenizer}, drop"]
    assert add["intermediates"] > drop["intermediates"] == 0
    assert drop["dropped"] > add["dropped"]
    assert 0 < add["taken"] <= found["donor"]["of_the_language"] <= 2600
    assert drop["taken"] + drop["dropped"] + drop["known"] == add["taken"] + add["dropped"] + add["known"]
    assert 0 < add["ratio"] < drop["ratio"] <= 1
    assert 0 < add["ratio, as many learned"] < 1
    assert add["English lines changed"].startswith("0 of ")


def test_protecting_english_keeps_it_and_costs_tokens(toy, small_tokenizer, german_file, english_file):
    found = toy(
        "protect", "--bases", small_tokenizer, "--protected", 0, 100, "--heldout-lines", 100, "--new-tokens",
        200, *ADVERSARIAL, "--corpus", german_file, "--base-text", english_file,
    )  # fmt: skip
    free, protected = found["rows"]
    assert free["protected lines changed"] == "-"
    assert protected["protected lines changed"] == "0 of 100"
    assert 0 < free["ratio"] <= protected["ratio"] < 1
    assert 0 < protected["held-out English ratio"] <= 1


def test_a_widened_pre_tokenizer_splits_fewer_words(toy, english_file, hindi_catalogues):
    found = toy(
        "pretokenizer", "--bases", "GPT-2", "--languages", "hi", *ADVERSARIAL, "--base-text", english_file,
        "--catalogues", hindi_catalogues,
    )  # fmt: skip
    kept, widened = found["rows"]
    assert [kept["base"], widened["base"]] == ["GPT-2, hi, keep", "GPT-2, hi, adapt"]
    share, _, total = kept["words split"].partition("% of ")
    assert float(share) > 50
    assert widened["words split"] == f"0.0% of {total}"
    assert widened["ratio"] < kept["ratio"] < 1
    assert widened["English words changed"].startswith("0 of ")


def test_catalogues_give_translations_without_menu_keys(tmp_path, capsys):
    path = tmp_path / "hi" / "LC_MESSAGES" / "program.mo"
    path.parent.mkdir(parents=True)
    strings = {
        "": "Content-Type: text/plain; charset=UTF-8\n",
        "_File": "फ़ाइल (_F)",
        "menu\x04Help": "_मदद",
        "Wi-Fi": "Wi-Fi",
        "menu\x04USB": "USB",
    }
    path.write_bytes(mo_file(strings))
    catalogues.main(["hi", str(tmp_path)])
    assert capsys.readouterr().out.split("\n") == ["फ़ाइल ", "मदद", ""]


def test_planted_copies_are_found_and_other_documents_kept(toy, some_verses):
    found = toy(
        "near_duplicates",
        "--documents",
        120,
        "--copies",
        30,
        "--corpus",
        some_verses,
        results="near-duplicates",
    )
    assert found["copies_found"] > 0.8
    assert found["others_dropped"] < 0.1


def test_a_large_text_is_learned_from_in_two_builds(toy):
    here = Path(__file__).resolve().parents[2]
    found = toy(
        "scale", "--mb", 0.2, "--more-mb", 0.3, "--learn-bytes", 100_000, "--new-tokens", 60, "--other", here
    )
    assert found["same_tokens"]
    assert found["times_as_fast_by_processor_seconds"] > 0
    assert set(found["this"]["processor_seconds_by_stage"]) == set(
        found["other"]["processor_seconds_by_stage"]
    )
    assert found["this_on_more"]["peak_memory_mb"] > 0


def test_a_text_in_one_line_is_timed_beside_the_same_text_in_lines(toy, english_file):
    found = toy("long_lines", "--mb", "0.05,0.1", "--base-text", english_file, results="long-lines")
    works = [(row["work"], row["file"], row["MB"]) for row in found["rows"]]
    assert len(set(works)) == len(works) == 3 * 2 * 2
    for row in found["rows"]:
        assert row["in lines, seconds"] >= 0
        assert row["ratio"] > 0


def test_the_certificate_is_timed_on_as_many_strings_as_it_says(toy, small_extended):
    found = toy(
        "verification", small_extended(), "--target-bytes", 3000, "--base-bytes", 3000, "--adversarial", 100
    )
    claims = found["claims"]["this build"]
    assert claims["transformers"] == [found["strings"], 0]
    assert found["processor_seconds"]["this build"] > 0


def test_other_programs_read_tiny_models_with_real_tokenizers(toy, some_verses, english_file):
    found = toy(
        "runtimes", "--bases", "GPT-2", "--runtimes", "tokenizers,transformers", "--strings", 60,
        "--new-tokens", 60, "--adversarial", 10, "--corpus", some_verses, "--base-text", english_file,
    )  # fmt: skip
    rows = found["bases"]["GPT-2"]
    assert [(row["runtime"], row["strings"], row["ids"]) for row in rows] == [
        ("transformers", 60, 0), ("tokenizers", 60, 0)
    ]  # fmt: skip
    assert not any("place" in row for row in rows)


def test_what_was_measured_of_other_programs_stays():
    before = [{"runtime": name, "version": "1"} for name in ("transformers", "tokenizers", "tokie")]
    made = [{"runtime": "tokenizers", "version": version} for version in ("2", "3")]
    found = runtimes.merged(before, made)
    assert [(row["runtime"], row["version"]) for row in found] == [
        ("transformers", "1"), ("tokenizers", "2"), ("tokenizers", "3"), ("tokie", "1")
    ]  # fmt: skip


def test_the_table_of_other_programs_says_which_base_is_read_wrongly_already(tmp_path):
    def row(base, ids, base_ids, outcome, fails=False, new=0):
        return {
            "runtime": "tokie", "version": "0.1", "outcome": outcome, "fails": fails, "ids": ids,
            "base_ids": base_ids, "decoded": ids, "base_decoded": base_ids, "new_ids": new, "strings": 1500,
        }  # fmt: skip

    page = tmp_path / "page.md"
    page.write_text(f"before\n{runtimes.START}\nold\n{runtimes.END}\nafter\n")
    bases = {
        "A": [row("A", 0, 0, "same ids")],
        "B": [row("B", 3, 2, "differs with the base")],
        "C": [row("C", 1234, 0, "DIFFERS", True)],
        "D": [row("D", None, None, "refused with the base")],
        "E": [row("E", None, 0, "REFUSED", True)],
        "F": [row("F", 9, 4, "DIFFERS", True, 5)],
    }
    runtimes.write_table(page, bases)
    text = page.read_text()
    assert (
        "| tokie 0.1 | 0 | 3 (base 2) | **1,234** | refuses both | **refused** | **9** (base 4, 5 new) |"
        in text
    )
    assert "| runtime | A (1,500 strings) |" in text
    assert text.startswith("before") and text.endswith("after\n") and "old" not in text


def test_reading_with_quality_judges_every_document(toy):
    found = toy("quality", "--mb", 0.3, "--learn-bytes", 100_000)
    assert found["times_the_processor_seconds"] > 0
    assert found["with"]["documents"] == found["without"]["documents"] > 5
    assert found["with"]["mb_a_processor_second"] > 0


def test_pruned_tokens_make_room_for_as_many(toy, some_verses, english_file):
    found = toy(
        "prune", "--counts", 20, 1_000_000, "--corpus", some_verses, "--base-text", english_file,
        "--other-text", english_file, "--lines", 40,
    )  # fmt: skip
    row, refused = found["rows"]
    assert row["removed"] == row["pruned"]["new tokens"] == row["appended"]["new tokens"] == 20
    assert row["appended"]["vocabulary"] == row["pruned"]["vocabulary"] + 20
    assert row["pruned"]["ratio"] < 1
    assert row["pruned"]["unchanged"] == row["appended"]["unchanged"] == {"English": 1, "other scripts": 1}
    assert "at most" in refused["refused"]
