"""What a study of mixtures says, in plain words."""

from vocabx.training.mixture_study import AMOUNTS, DCPT, MixtureStudy, Prediction, ShareAnswer

# Shares this close to the largest one tried are that one.
_SAME = 2e-3
_FAR, _POOR = 10.0, 0.02
_LAWS = {AMOUNTS: "the law of the amounts of both texts", DCPT: "the D-CPT law"}


def answer_sentence(study: MixtureStudy, target: str, other: str) -> str:
    """The answer to how much replay there should be."""
    kept = study.kept
    within = f"{other} within {study.tolerance:g} % of what it was"
    if kept.share is None:
        return (
            f"No share that was tried keeps {other} within {study.tolerance:g} %: replay more, or train less."
        )
    share = f"{100 * kept.share:.0f} % {target} and {100 * (1 - kept.share):.0f} % replay"
    if kept.share >= _largest(study) - _SAME:
        return f"Even {share}, the largest share tried, keeps {within}."
    return f"{share} is the most that keeps {within} (90 % interval: {_range(kept)} {target})."


def answer_sentences(study: MixtureStudy, target: str, other: str) -> list[str]:
    """The other answers, each with what they rest on."""
    found = [
        f"After as many tokens as a short run, {_share(study.kept_in_runs, target)} is the most within "
        f"{study.tolerance:g} %; by the critical mixture ratio, {_share(study.critical, target)}",
        f"The best score of {target} for {study.target_tokens:,} tokens of it: {_share(study.best, target)}, "
        f"{study.best.target_bits or 0.0:.3f} bits per byte, {other} {study.best.base_bits or 0.0:.3f}",
    ]
    return [f"{sentence}." for sentence in found]


def doubts(study: MixtureStudy) -> list[str]:
    """What speaks against the answers."""
    found = [
        f"Shares that were not fitted are predicted within {100 * worst:.1f} %."
        for worst in [_worst(study)]
        if worst is not None
    ]
    chosen, *others = sorted(study.base_laws, key=lambda name: study.base_laws[name])
    if others and study.base_laws[others[0]]:
        errors = [f"{100 * study.base_laws[name]:.1f} %" for name in (chosen, others[0])]
        found.append(
            f"The base's language follows {_LAWS[chosen]}, which predicts shares that were left out within "
            f"{errors[0]}; {_LAWS[others[0]]}, within {errors[1]}."
        )
    if (worst := _worst(study)) is not None and worst > _POOR:
        found.append(f"That is more than {100 * _POOR:g} %: train longer, or with more shares.")
    if study.kept.times > _FAR:
        found.append(
            f"The wanted training is {study.kept.times:.0f} times as long as a short run: an extrapolation "
            f"beyond {_FAR:g} times says little."
        )
    found.append("All rates stay constant in the short runs: a decay improves both languages.")
    return found


def errors_of(one: Prediction) -> tuple[str, str]:
    """The errors of a prediction in both languages, in percent."""
    return f"{100 * one.target_error:+.2f} %", f"{100 * one.base_error:+.2f} %"


def _worst(study: MixtureStudy) -> float | None:
    errors = [
        abs(error)
        for one in (*study.left_out, *study.checked)
        for error in (one.target_error, one.base_error)
    ]
    return max(errors, default=None)


def _largest(study: MixtureStudy) -> float:
    return max(1 - run.replay_share for run in study.runs if run.fitted)


def _share(answer: ShareAnswer, target: str) -> str:
    if answer.share is None:
        return "no share that was tried"
    return f"{100 * answer.share:.0f} % {target} ({_range(answer)})"


def _range(answer: ShareAnswer) -> str:
    return f"{100 * (answer.low or 0.0):.0f} to {100 * (answer.high or 0.0):.0f} %"
