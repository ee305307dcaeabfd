"""The page of a study of mixtures: one self-contained HTML file."""

from markupsafe import Markup

from vocabx.corpus.languages import language_name
from vocabx.report.mixture_plot import mixture_plot
from vocabx.report.mixture_words import answer_sentence, answer_sentences, doubts, errors_of
from vocabx.report.templates import render_template
from vocabx.training.mixture_study import MixtureStudy


def render_mixture(study: MixtureStudy) -> str:
    """The content of mixture.html.

    Raises:
        MissingPackageError: matplotlib, which draws the plot, is not installed.
    """
    target, other = language_name(study.language), language_name(study.base_language)
    values = {
        "study": study,
        "target": target,
        "other": other,
        "answer": answer_sentence(study, target, other),
        "answers": answer_sentences(study, target, other),
        "doubts": doubts(study),
        "plot": Markup(mixture_plot(study, target, other)),
        "predictions": [
            (one.replay_share, *errors_of(one), how)
            for group, how in ((study.left_out, "left out"), (study.checked, "never fitted"))
            for one in group
        ],
    }
    return render_template(
        "mixture.html", values, {"count": "{:,.0f}".format, "bits": "{:.3f}".format, "percent": _percent}
    )


def _percent(share: float) -> str:
    return f"{100 * share:g} %"
