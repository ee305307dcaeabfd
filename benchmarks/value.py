"""What an extension is worth: every initializer beside the base left alone, for several bases and languages.

    python benchmarks/value.py [--bases smollm2 stories15m] [--languages zh-Hant hi de] [--init zip-tie mean]
    python benchmarks/value.py --seeds 3 --init zip-tie bil                   # the probe three times
    python benchmarks/value.py --minutes 10 --init zip-tie distill+untie      # and training as long
    python benchmarks/value.py --show                                         # the tables of what is there

For each base and language the same new tokens are initialized by each method, and held-out text is scored
before any training, after a probe of some steps (rows and adapters, as `vocabx compare` does), and with
`--minutes` after so long a run of `vocabx train`. "+untie" after a name gives the tied base an lm_head of its
own. Each cell is a file, results/value/BASE.LANGUAGE.METHOD.json, written as soon as it is known: a run that
was stopped goes on where it was, more seeds and the training are added to what is there, and cells of other
settings, or another version of vocabx, are made again.

Text is the packaged one (zh-Hant), translated catalogues of programs (hi), and 100,000 sentences of the npm
package de-corpus (de); `--corpus LANGUAGE=PATH` reads another. For hi and de, WECHSEL and OFA need the Debian
packages dict-freedict-eng-hin and dict-freedict-eng-deu, and are left out without them.
"""

import argparse
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from bases import base_directory
from catalogues import catalogues_of
from common import Result, machine, new_parser, read_result, run_script, write_result
from stories15m import NAME as STORIES
from stories15m import stories15m
from texts import CACHE, members
from training_runs import clear

from vocabx._util.version import VERSION
from vocabx.commands.compare.measure import Measurements, Probe, make_probe, measure
from vocabx.commands.compare.options import CompareOptions
from vocabx.commands.compare.run import initialize
from vocabx.commands.extend.learn import Learned, learn
from vocabx.commands.extend.options import ExtendOptions
from vocabx.commands.extend.plan import Plan, make_plan
from vocabx.commands.extend.run import extend
from vocabx.commands.train.options import TrainOptions
from vocabx.commands.train.run import train
from vocabx.errors import VocabxError
from vocabx.initializers.registry import INITIALIZERS
from vocabx.progress import Quiet, Timed
from vocabx.training.record import TrainingRecord

ALONE = "base-left-alone"
# Of a cell and of the tables.
BEFORE, PROBED, TRAINED = "before", "after the probe", "after training"
METHODS = (
    *(name for name, method in INITIALIZERS.items() if not method.untied),
    *(f"{name}+untie" for name, method in INITIALIZERS.items() if method.own_output),
)
LANGUAGES = ("zh-Hant", "hi", "de")
# What a cell depends on, besides its name.
SETTINGS = ("new_tokens", "learn_bytes", "heldout_bytes", "probe_steps")
_TRAINING: dict[str, Any] = {
    "method": "lora", "sequence_length": 512, "step_sequences": 1, "lora_rank": 16, "learning_rate": 1e-3,
    "rows_learning_rate": 1e-3, "rows_first": 0.0, "decay": 0.25, "replay_share": 0.0,
    # Only the end counts here, and scoring takes a third of the time.
    "evaluate_every": 1_000_000,
}  # fmt: skip


@dataclass(frozen=True)
class Group:
    """A base and a language, whose cells share tokens and texts.

    Attributes:
        base, language: as named on the command line.
        directory: of the base.
        corpus: files of text; empty for the packaged one.
        options: of the command line.
    """

    base: str
    language: str
    directory: str
    corpus: tuple[str, ...]
    options: argparse.Namespace

    def cell(self, method: str) -> str:
        """The name of a cell's file."""
        return f"{Path(self.base).name}.{self.language}.{method}"

    @property
    def settings(self) -> dict[str, Any]:
        """What its cells depend on."""
        found = {name: getattr(self.options, name) for name in SETTINGS}
        return {**found, "version": VERSION, "corpus": [Path(path).name for path in self.corpus]}

    def compare_options(self, names: str, untie: bool) -> CompareOptions:
        """The options of `vocabx compare` for comma-separated initializers."""
        return CompareOptions(
            **self._shared(names, untie), probe_steps=self.options.probe_steps, probe_seeds=self.options.seeds
        )

    def extend_options(self, method: str, out: Path) -> ExtendOptions:
        """The options of `vocabx extend` for a method."""
        shared = self._shared(*parts_of(method))
        return ExtendOptions(**{**shared, "out": out, "evaluate": False, "adversarial": 0})

    def _shared(self, name: str, untie: bool) -> dict[str, Any]:
        options = self.options
        return {
            "base": self.directory, "lang": self.language, "corpus": self.corpus, "init": name,
            "untie": untie, "new_tokens": options.new_tokens, "learn_bytes": options.learn_bytes,
            "heldout_bytes": options.heldout_bytes, "evaluate": True, "out": options.scratch / "unused",
        }  # fmt: skip


@dataclass(frozen=True)
class Prepared:
    """What the cells of a group share: the plan, with tokens, texts and what the probe trains on."""

    plan: Plan
    learned: Learned
    probe: Probe | None


def main(arguments: Sequence[str] | None = None) -> Result:
    options = parser().parse_args(arguments)
    out = options.out / "value"
    for group in groups_of(options) if not options.show else ():
        _probe(group, out)
        if options.minutes:
            _train(group, out)
    found = {path.stem: read_result(out, path.stem) for path in sorted(out.glob("*.json"))}
    print("\n\n".join(tables(found)))
    return found


def parser() -> argparse.ArgumentParser:
    parser = new_parser(
        __doc__, new_tokens=8000, learn_bytes=8_000_000, heldout_bytes=20_000, probe_steps=50, seeds=1,
        minutes=0.0,
    )  # fmt: skip
    parser.add_argument("--bases", nargs="+", default=("smollm2", STORIES), metavar="BASE")
    parser.add_argument("--languages", nargs="+", default=LANGUAGES, metavar="LANGUAGE")
    parser.add_argument("--init", nargs="+", default=METHODS, choices=METHODS, metavar="METHOD")
    parser.add_argument("--corpus", nargs="+", default=(), metavar="LANGUAGE=PATH")
    parser.add_argument("--scratch", type=Path, default=Path("runs/value"))
    parser.add_argument("--show", action="store_true", help="only print the tables of what is there")
    return parser


def groups_of(options: argparse.Namespace) -> Iterator[Group]:
    given = dict(one.split("=", 1) for one in options.corpus)
    for language in options.languages:
        corpus = (given[language],) if language in given else text_of(language)
        for base in options.bases:
            directory = stories15m() if base == STORIES else base_directory(base)
            yield Group(base, language, str(directory), corpus, options)


def text_of(language: str) -> tuple[str, ...]:
    """The files of a language's text, made once; none where `vocabx extend` has its own."""
    if language == "zh-Hant":
        return ()
    path = CACHE / f"value-{language}.jsonl"
    if not path.is_file():
        if language == "de":
            # Each sentence is with its hash.
            builds = members("de-corpus", "package/builds/*.json")
            lines = [sentence for _, pairs in builds for sentence, _ in pairs]
            texts = ["\n".join(lines[start : start + 20]) for start in range(0, len(lines), 20)]
        else:
            texts = [document.text for document in catalogues_of(language)[1]]
        CACHE.mkdir(parents=True, exist_ok=True)
        written = "".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts)
        path.write_text(written, encoding="utf-8")
    return (str(path),)


def parts_of(method: str) -> tuple[str, bool]:
    """The initializer of a method, and whether the base is untied for it."""
    name, _, untie = method.partition("+")
    return name, bool(untie)


def missing(out: Path, group: Group, minutes: float = 0.0) -> list[str]:
    """The methods whose cells are not there yet, the base first; with `minutes` those not trained as long."""

    def known(cell: Result) -> bool:
        if cell.get("settings") != group.settings:
            return False
        probed = len(cell[PROBED] or ()) >= group.options.seeds or not group.options.probe_steps
        return probed and (not minutes or cell.get(TRAINED, {}).get("minutes") == minutes)

    methods = (ALONE, *group.options.init)
    return [method for method in methods if not known(read_result(out, group.cell(method)))]


def _probe(group: Group, out: Path) -> None:
    """Make the cells that are missing; text is read, and tokens are learned, once for all of a kind."""
    lacking = missing(out, group)
    for untie in (False, True):
        methods = _possible(group, [method for method in lacking if parts_of(method)[1] is untie], untie)
        if methods:
            prepared = prepare(group, methods, untie)
            for method in methods:
                earlier = read_result(out, group.cell(method))
                cell = made(group, prepared, method)
                if TRAINED in earlier and earlier["settings"] == group.settings:
                    cell[TRAINED] = earlier[TRAINED]
                write_result(out, group.cell(method), cell)
                print(f"{group.cell(method)} done", flush=True)


def _possible(group: Group, methods: Sequence[str], untie: bool) -> list[str]:
    """The methods without those that lack something here, as a dictionary; says which, and what."""
    found = []
    for method in methods:
        name = "zip-tie" if method == ALONE else parts_of(method)[0]
        try:
            make_plan(group.compare_options(name, untie), Quiet())
        except VocabxError as error:
            print(f"{group.cell(method)} is left out: {error}", flush=True)
        else:
            found.append(method)
    return found


def prepare(group: Group, methods: Sequence[str], untie: bool) -> Prepared:
    """Read a group's text and learn its tokens, for methods that all untie the base or all do not."""
    names = [parts_of(method)[0] for method in methods if method != ALONE] or ["zip-tie"]
    timed = Timed(Quiet())
    plan = make_plan(group.compare_options(",".join(names), untie), timed)
    learned = learn(plan, timed)
    plan = plan.with_tokens(len(learned.extension.pieces))
    steps = group.options.probe_steps
    return Prepared(plan, learned, make_probe(plan, learned, steps, group.options.seeds) if steps else None)


def made(group: Group, prepared: Prepared, method: str) -> Result:
    """The content of a cell, without training."""
    found = _measured(prepared, method)
    scores, probed = (
        (found.base, found.base_probed) if method == ALONE else (found.rows[0].start, found.rows[0].probed)
    )
    cell: Result = {
        "settings": group.settings, "machine": machine(), "new tokens": prepared.plan.new_tokens,
        BEFORE: asdict(scores) if scores else None,
        PROBED: [asdict(bits) for bits in probed.seeds] if probed else None,
    }  # fmt: skip
    return (
        cell if method == ALONE else {**cell, "seconds of the initializer": round(found.rows[0].seconds, 1)}
    )


def _measured(prepared: Prepared, method: str) -> Measurements:
    plan, learned, probe, timed = prepared.plan, prepared.learned, prepared.probe, Timed(Quiet())
    if method == ALONE:
        return measure(plan, learned, probe, {}, timed)
    name, _ = parts_of(method)
    initialized = {name: initialize(plan, learned, name, timed)}
    return measure(plan, learned, probe, initialized, timed, with_base=False)


def _train(group: Group, out: Path) -> None:
    """Add to cells what so many minutes of training give; the base trains beside the first of the others."""
    minutes = group.options.minutes
    # One that was left out has no cell.
    lacking = [method for method in missing(out, group, minutes) if read_result(out, group.cell(method))]
    alone = ALONE in lacking
    for method in [method for method in lacking if method != ALONE] or ([group.options.init[0]] * alone):
        record = _trained(group, method, alone)
        runs = {method: record.measured}
        if alone and record.contest is not None:
            runs[ALONE] = record.contest.measured
        for name, measured in runs.items():
            last, cell = measured[-1], read_result(out, group.cell(name))
            cell[TRAINED] = {
                "minutes": minutes, "target": last.target_bits, "base_language": last.base_bits,
                "tokens": last.tokens,
            }  # fmt: skip
            write_result(out, group.cell(name), cell)
            print(f"{group.cell(name)} trained", flush=True)
        alone = False


def _trained(group: Group, method: str, contest: bool) -> TrainingRecord:
    """The record of an extension trained for the given minutes, with the base beside it on demand."""
    extension = group.options.scratch / group.cell(method)
    run = extension.with_name(f"{extension.name}-trained")
    for directory in (extension, run):
        clear(directory)
    extend(group.extend_options(method, extension))
    options = TrainOptions(
        directory=extension, out=run, corpus=group.corpus, max_minutes=group.options.minutes,
        heldout_bytes=group.options.heldout_bytes, contest=contest, **_TRAINING,
    )  # fmt: skip
    record = train(options).record
    assert record is not None
    shutil.rmtree(extension)
    return record


def tables(cells: Mapping[str, Result]) -> list[str]:
    """A table of bits per byte for each base, with the languages beside each other, the best method first."""
    bases: dict[str, dict[str, dict[str, Result]]] = {}
    for name, cell in cells.items():
        rest, _, method = name.rpartition(".")
        base, _, language = rest.rpartition(".")
        bases.setdefault(base, {}).setdefault(method, {})[language] = cell
    return [f"{base}\n\n{_table(methods)}" for base, methods in bases.items()]


def _table(methods: Mapping[str, Mapping[str, Result]]) -> str:
    """Rows of methods by what they are after the probe, in the mean over the languages that all share."""
    languages = sorted({language for cells in methods.values() for language in cells}, key=_rank)
    shared = [language for language in languages if all(language in cells for cells in methods.values())]
    stages = [
        *dict.fromkeys(
            stage for cells in methods.values() for cell in cells.values() for stage in _bits(cell)
        )
    ]
    head = [f"{language} {stage}" for language in languages for stage in stages]

    def order(method: str) -> float:
        stages = [_bits(methods[method][language]) for language in shared]
        return fmean(fmean(bits.get(PROBED) or bits[BEFORE]) for bits in stages) if stages else 0.0

    lines = [f"| method | {' | '.join(head)} |", "|---|" + "---:|" * len(head)]
    for method in sorted(methods, key=order):
        cells = methods[method]
        shown = [
            _shown(_bits(cells[language]).get(stage, ())) if language in cells else ""
            for language in languages
            for stage in stages
        ]
        lines.append(f"| {method} | {' | '.join(shown)} |")
    return "\n".join(lines)


def _rank(language: str) -> tuple[int, str]:
    return (LANGUAGES.index(language) if language in LANGUAGES else len(LANGUAGES), language)


def _bits(cell: Result) -> dict[str, tuple[float, ...]]:
    """Bits per byte of the language at each stage, of each seed."""
    found = {BEFORE: (cell[BEFORE]["target"],)} if cell[BEFORE] else {}
    probed = tuple(bits["target"] for bits in cell[PROBED] or ())
    found |= {PROBED: probed} if probed else {}
    trained = cell.get(TRAINED)
    return found | ({f"after {trained['minutes']:g} minutes": (trained["target"],)} if trained else {})


def _shown(seeds: Sequence[float]) -> str:
    if not seeds:
        return ""
    return f"{fmean(seeds):.3f}" + (f" ± {stdev(seeds):.3f}" if len(seeds) > 1 else "")


if __name__ == "__main__":
    run_script(main)
