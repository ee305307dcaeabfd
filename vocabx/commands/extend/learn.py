"""The first stages of an extension, shared by `extend` and `compare`: text, new tokens, initialization."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from vocabx.commands.extend.plan import Plan
from vocabx.commands.extend.vocabulary_plan import VocabularyPlan
from vocabx.corpus.draw import draw_corpus
from vocabx.corpus.sample import Corpus
from vocabx.corpus.several import draw_each, joined_corpus, texts_by_language
from vocabx.corpus.source import TextSource, note_left_out
from vocabx.evaluation.fertility import count_tokens
from vocabx.evaluation.load_model import load_model
from vocabx.initializers.initialize import EmbeddingInitializer, Tokens
from vocabx.initializers.word_vectors import Texts
from vocabx.progress import Progress
from vocabx.tokenizer.attainable import Attainable
from vocabx.tokenizer.candidates import LearningTexts
from vocabx.tokenizer.extension import Extension, TokenRequest, extend_tokenizer
from vocabx.tokenizer.pretokenized import NOTABLE, Boundaries, boundaries_of
from vocabx.tokenizer.sources import by_source
from vocabx.tokenizer.stated_class import REPLACED
from vocabx.tokenizer.superwords import extend_with_superwords
from vocabx.tokenizer.training_budget import LEAST
from vocabx.tokenizer.write import model_type


@dataclass(frozen=True)
class Learned:
    """An extended tokenizer with the texts it was made from.

    Attributes:
        extension: both tokenizers and the new tokens.
        target, base_language: text in the new language and in the base's, partly held out.
        boundaries: what the pre-tokenizer does to the held-out text in the new language.
        protected: lines whose tokenization must not change.
        each: the text of each of several languages, of which `target` is made; empty for one.
    """

    extension: Extension
    target: Corpus
    base_language: Corpus
    boundaries: Boundaries
    protected: Sequence[str] = field(repr=False)
    each: tuple[Corpus, ...] = ()


def learn(plan: VocabularyPlan, progress: Progress) -> Learned:
    """Read both texts and find the new tokens.

    Raises:
        VocabxError: if there is too little text for what was requested.
    """
    options = plan.options
    drawn = draw_each(
        plan.source, plan.language, options.sample_sizes, "Reading text", progress, options.engine
    )
    target = joined_corpus(drawn)
    boundaries = _boundaries(plan, target, drawn, progress)
    title = "Reading text of the base's language"
    base_language = draw_corpus(plan.base_source, plan.base_scripts, options.sample_sizes, title, progress)
    protected = _lines(plan.protected, progress) if plan.protected else []
    request = TokenRequest(
        new_tokens=options.tokens_asked_for or options.prune,
        protected=protected,
        donor=plan.donor,
        add_intermediates=options.intermediates == "add",
        adapt=options.pretokenizer == "adapt",
        strict=options.strict,
        budget=options.budget,
        texts=_learning_texts(plan, drawn),
        told=partial(_tell, plan, progress),
    )
    extend = extend_with_superwords if options.superwords else extend_tokenizer
    extension = extend(plan.tokenizer, target.learning, plan.alphabet, request, plan.first_id, progress)
    _note_fewer(plan, len(extension.pieces), boundaries, progress)
    each = drawn if plan.language.parts else ()
    return Learned(extension, target, base_language, boundaries, protected, each)


def _tell(plan: VocabularyPlan, progress: Progress, found: Sequence[Attainable]) -> None:
    """Say before learning what tokens can do for each language, or for all that are learned together."""
    if plan.options.strict:
        # Whether the text supports as many as were asked for, a strict run says itself, in one line.
        return
    languages = plan.language.each if len(found) > 1 else (plan.language,)
    for language, bound in zip(languages, found, strict=True):
        more = " Tokens of several words can get below that." if plan.options.superwords else ""
        progress.note(bound.sentence(language.name, language.segmentation == "spaces") + more)


def _learning_texts(plan: VocabularyPlan, drawn: Sequence[Corpus]) -> LearningTexts:
    """The learning text by language and source: of the user's own text, the files that it was read from."""
    named, others = texts_by_language(plan.options.corpus, plan.language)
    own = [bool(others) or one.tag in named for one in plan.language.each]
    lines = [
        by_source(corpus.learning, corpus.sources) if given else (corpus.learning,)
        for corpus, given in zip(drawn, own, strict=True)
    ]
    return LearningTexts(lines, plan.balance or "none", plan.shares)


def _note_fewer(plan: VocabularyPlan, found: int, boundaries: Boundaries, progress: Progress) -> None:
    """Say so where there are fewer tokens than were asked for, or than the default."""
    wanted, budget = plan.options.tokens_asked_for or plan.options.prune, plan.options.budget
    if budget is not None:
        number = f"{found:,}" if found < plan.new_tokens else f"all {found:,}"
        more = f": more would occur less than {LEAST} times in it." if found < plan.new_tokens else "."
        progress.note(f"A budget of {budget / 1e6:,.3g} MB supports {number} new tokens{more}")
        return
    if found >= plan.new_tokens or (plan.donor is not None and wanted is None):
        return
    asked = f", of {wanted:,} asked for" if wanted else ""
    if plan.donor is not None:
        progress.note(f"The donor gives only {found:,} new tokens{asked}.")
    else:
        # Where words are split, that was said before, and more text would help little.
        more = "." if boundaries.split_share > NOTABLE else ": more text would give more."
        progress.note(f"The text supports only {found:,} new tokens{asked}{more}")


def embedding_initializer(plan: Plan, learned: Learned, progress: Progress) -> EmbeddingInitializer:
    """The object that initializes the new tokens with any initializer."""
    extension = learned.extension
    tokens = Tokens(
        base=plan.tokenizer,
        tokenizer=extension.tokenizer,
        ids=extension.new_ids,
        pieces=tuple(extension.pieces.values()),
    )
    texts = Texts(plan.language, learned.target.learning, plan.base_language, learned.base_language.learning)
    model = partial(load_model, plan.base.directory)
    return EmbeddingInitializer(
        plan.options,
        tokens,
        texts,
        plan.checkpoint,
        plan.options.seed,
        progress,
        model,
        plan.options.untie,
    )


def _boundaries(
    plan: VocabularyPlan, target: Corpus, drawn: Sequence[Corpus], progress: Progress
) -> Boundaries:
    """Say what no number of tokens can mend before any are learned."""
    for language, corpus in zip(plan.language.each, drawn, strict=True):
        tokens = count_tokens(plan.tokenizer, corpus.heldout)
        if sentence := bounds(plan, corpus).sentence(language.name, tokens):
            progress.note(sentence)
    return bounds(plan, target)


def bounds(plan: VocabularyPlan, corpus: Corpus) -> Boundaries:
    """What the boundaries of the pre-tokenizer do to held-out text."""
    found = boundaries_of(plan.adapted, corpus.heldout, plan.alphabet)
    if model_type(plan.base.directory) in REPLACED:
        found = replace(found, least_adapted=None, split_share_adapted=None)
    return found


def _lines(source: TextSource, progress: Progress) -> list[str]:
    lines = (line for document in source.open() for line in document.text.split("\n"))
    found = list(dict.fromkeys(line for line in lines if line.strip()))
    note_left_out(source, progress)
    return found
