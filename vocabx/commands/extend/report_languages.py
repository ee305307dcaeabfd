"""What an extension gives each of several languages, measured on the text of each."""

import numpy as np
from numpy.typing import NDArray

from vocabx.commands.extend.learn import Learned, bounds
from vocabx.commands.extend.vocabulary_plan import VocabularyPlan
from vocabx.evaluation.fertility import count_tokens
from vocabx.report.extension_report import LanguageNumbers
from vocabx.tokenizer.alphabet import Alphabet
from vocabx.tokenizer.parity import information_of


def numbers_by_language(plan: VocabularyPlan, learned: Learned) -> tuple[LanguageNumbers, ...]:
    """The numbers of each of several languages, in their order; empty for one.

    Args:
        plan: names the languages and their texts.
        learned: the tokens, and the text of each language.
    """
    if not learned.each:
        return ()
    counts = _new_tokens(plan, learned)
    information = information_of([corpus.learning for corpus in learned.each])
    extension, found = learned.extension, []
    for number, (language, text, corpus) in enumerate(
        zip(plan.language.parts, plan.source.parts, learned.each, strict=True)
    ):
        size = sum(len(section.encode()) for section in corpus.heldout)
        learned_from = sum(len(line.encode()) for line in corpus.learning)
        found.append(
            LanguageNumbers(
                language=language.tag,
                name=language.name,
                source=text.description,
                new_tokens=int(counts[number]),
                share=plan.shares[number] if plan.shares else None,
                bytes=size,
                base_tokens=count_tokens(extension.base, corpus.heldout),
                tokens=count_tokens(extension.tokenizer, corpus.heldout),
                least=bounds(plan, corpus).least,
                information=round(size * information[number] / max(1, learned_from), 1),
            )
        )
    return tuple(found)


def _new_tokens(plan: VocabularyPlan, learned: Learned) -> NDArray[np.int64]:
    """Of each language the number of new tokens that occur most in it, relative to its text's length.

    A token that only builds others belongs to the first language that may have it.
    """
    tokenizer, new = learned.extension.tokenizer, list(learned.extension.new_ids)
    rates = []
    for corpus in learned.each:
        usage = tokenizer.usage(corpus.learning)
        rates.append(usage[new] / max(1, int(usage.sum())))
    best = np.argmax(np.array(rates), axis=0)
    alphabets = [Alphabet(one.scripts, one.blocks) for one in plan.language.parts]
    for place in np.flatnonzero(np.max(rates, axis=0) == 0):
        data = tokenizer.token_bytes[new[place]]
        allowed = (number for number, one in enumerate(alphabets) if one.allows_token(data))
        best[place] = next(allowed, 0)
    return np.bincount(best, minlength=len(learned.each)).astype(np.int64)
