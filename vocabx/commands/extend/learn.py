"""The first stages of an extension, shared by `extend` and `compare`: text, new tokens, initialization."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from vocabx.commands.extend.plan import Plan, VocabularyPlan
from vocabx.corpus.draw import draw_corpus
from vocabx.corpus.sample import Corpus
from vocabx.corpus.source import TextSource
from vocabx.evaluation.fertility import count_tokens
from vocabx.evaluation.load_model import load_model
from vocabx.initializers.initialize import EmbeddingInitializer, Tokens
from vocabx.initializers.word_vectors import Texts
from vocabx.progress import Progress
from vocabx.tokenizer.extension import Extension, TokenRequest, extend_tokenizer
from vocabx.tokenizer.pretokenized import Boundaries, boundaries_of


@dataclass(frozen=True)
class Learned:
    """An extended tokenizer with the texts it was made from.

    Attributes:
        extension: both tokenizers and the new tokens.
        target, base_language: text in the new language and in the base's, partly held out.
        boundaries: what the pre-tokenizer does to the held-out text in the new language.
        protected: lines whose tokenization must not change.
    """

    extension: Extension
    target: Corpus
    base_language: Corpus
    boundaries: Boundaries
    protected: Sequence[str] = field(repr=False)


def learn(plan: VocabularyPlan, progress: Progress) -> Learned:
    """Read both texts and find the new tokens.

    Raises:
        VocabxError: if there is too little text for what was requested.
    """
    options = plan.options
    target = draw_corpus(plan.source, plan.language.scripts, options.sample_sizes, "Reading text", progress)
    boundaries = _boundaries(plan, target, progress)
    title = "Reading text of the base's language"
    base_language = draw_corpus(plan.base_source, plan.base_scripts, options.sample_sizes, title, progress)
    protected = _lines(plan.protected) if plan.protected else []
    request = TokenRequest(
        new_tokens=options.new_tokens,
        protected=protected,
        donor=plan.donor,
        add_intermediates=options.intermediates == "add",
        adapt=options.pretokenizer == "adapt",
    )
    extension = extend_tokenizer(
        plan.tokenizer, target.learning, plan.alphabet, request, plan.first_id, progress
    )
    return Learned(extension, target, base_language, boundaries, protected)


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


def _boundaries(plan: VocabularyPlan, target: Corpus, progress: Progress) -> Boundaries:
    """Say what no number of tokens can mend before any are learned."""
    tokenizer = plan.tokenizer
    if plan.options.pretokenizer == "adapt":
        tokenizer = tokenizer.adapted(plan.alphabet)
    found = boundaries_of(tokenizer, target.heldout, plan.alphabet)
    tokens = count_tokens(plan.tokenizer, target.heldout)
    if sentence := found.sentence(plan.language.name, tokens):
        progress.note(sentence)
    return found


def _lines(source: TextSource) -> list[str]:
    lines = (line for document in source.open() for line in document.text.split("\n"))
    return list(dict.fromkeys(line for line in lines if line.strip()))
