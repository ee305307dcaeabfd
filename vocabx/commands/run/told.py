"""What the result of a command says on a recipe's page: a verdict in a sentence, its numbers in words."""

from pathlib import Path
from typing import Any

from vocabx.commands.run.stamp import Told
from vocabx.corpus.languages import language_name
from vocabx.report.evaluation_page import name_of
from vocabx.report.evaluation_page import verdict as evaluation_verdict
from vocabx.report.extension_verdict import extension_verdict
from vocabx.report.training_verdict import training_verdict

_REPORT = "report.html"


def told(command: str, result: Any) -> Told:
    """What the result of a command says.

    Args:
        command: a step's command.
        result: what its function returned.
    """
    found: Told = _TOLD[command](result)
    return found


def _extend(result: Any) -> Told:
    report = result.report
    text, certificate = report.target, result.certificate
    required = [claim for claim in certificate.claims if claim.required]
    figures = {
        "new tokens": f"{report.new_tokens:,} for {report.language_name}",
        "tokens for the same text": f"{text.base.tokens:,} → {text.extended.tokens:,} "
        f"(× {text.tokens_share:.3f})",
        **_bits(report.language_name, text),
        **_bits(language_name(report.base_language.language), report.base_language),
        "certificate": f"{len(required)} required claims hold" if certificate.passed else "FAILS",
    }
    return Told(extension_verdict(report).answer, figures, _REPORT, certificate.passed)


def _bits(name: str, text: Any) -> dict[str, str]:
    before, after = text.base.bits_per_byte, text.extended.bits_per_byte
    if before is None or after is None:
        return {}
    return {f"bits per byte, {name}": f"{before:.3f} → {after:.3f}"}


def _transfer(result: Any) -> Told:
    report = result.report
    required = [claim for claim in report.claims if claim.required]
    figures = {
        "claims": f"{len(required)} required claims hold" if report.passed else "a required claim FAILS"
    }
    return Told(f"The vocabulary was replaced; {figures['claims']}.", figures, passed=report.passed)


def _compare(result: Any) -> Told:
    table = result.table
    chosen, why = table.choice()
    figures = {"best initializer": chosen or "not decided"}
    for row in table.rows:
        bits = row.probed.bits if row.probed else row.start
        if bits is not None:
            figures[f"bits per byte, {row.initializer}"] = f"{bits.target:.3f}"
    page = "compare.html" if (result.directory / "compare.html").is_file() else ""
    return Told(why, figures, page, choice=chosen)


def _train(result: Any) -> Told:
    record = result.record
    target, other = language_name(record.language), "the base's language"
    verdict = training_verdict(record, target, other)
    figures = {
        "method": f"{record.method.name} in {record.method.dtype}",
        "steps": f"{record.steps.steps:,}, {record.steps.tokens:,} tokens",
    }
    if len(record.measured) > 1:
        first, last = record.measured[0], record.measured[-1]
        for name, one, two in (
            (target, first.target_bits, last.target_bits), (other, first.base_bits, last.base_bits),
        ):  # fmt: skip
            if one is not None and two is not None:
                change = f"{100 * (two / one - 1):+.1f}".replace("-", "\u2212")
                figures[f"bits per byte, {name}"] = f"{one:.3f} → {two:.3f} ({change} %)"
    return Told(verdict.answer, figures, _REPORT)


def _merge(result: Any) -> Told:
    figures = {"tensors changed": f"{result.changed:,} of {result.tensors:,}"}
    sentence = f"{result.changed:,} of {result.tensors:,} tensors carry what was trained."
    if result.agreement is not None:
        figures["bits per byte"] = (
            f"{result.agreement.trained:.4f} trained, {result.agreement.merged:.4f} merged"
        )
        figures["divergence"] = f"{result.agreement.divergence:.2e} nats per token"
    return Told(sentence, figures)


def _evaluate(result: Any) -> Told:
    table = result.table
    target, other = name_of(table.target), name_of(table.base_language)
    figures = {
        model.name: f"{model.target.bits_per_byte:.3f} bits per byte of {target}, "
        f"{model.base_language.bits_per_byte:.3f} of {other}; "
        f"{model.target.characters_per_token:.2f} characters per token"
        for model in table.models
    }
    return Told(evaluation_verdict(table), figures, "evaluation.html")


def _verify(result: Any) -> Told:
    required = [claim for claim in result.certificate.claims if claim.required]
    figures = {claim.sentence: f"{claim.outcome}, {claim.checked:,} checked" for claim in required}
    failed = [claim.name for claim in required if claim.failed]
    answer = "Every required claim holds." if result.passed else f"FAILS: {', '.join(failed) or 'a runtime'}."
    return Told(answer, figures, passed=result.passed)


def _export(result: Any) -> Told:
    path = Path(result.path)
    size = sum(one.stat().st_size for one in path.rglob("*")) if path.is_dir() else path.stat().st_size
    return Told(f"{path.name} is written.", {path.name: f"{size / 1e6:,.1f} MB"})


def _push(result: Any) -> Told:
    figures = {
        "repository": result.url,
        "files": f"{len(result.plan.files)}, {result.plan.bytes / 1e6:,.1f} MB",
    }
    return Told(f"Published at {result.url}.", figures)


_TOLD = {
    "compare": _compare,
    "evaluate": _evaluate,
    "export": _export,
    "extend": _extend,
    "merge": _merge,
    "push": _push,
    "train": _train,
    "transfer": _transfer,
    "verify": _verify,
}
