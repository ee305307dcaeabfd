"""Checks initializer options early, so that nothing is refused only after hours of work."""

from collections.abc import Sequence
from pathlib import Path

from vocabx._util.extras import Packages
from vocabx._util.memory import fits
from vocabx._util.options import flag
from vocabx.checkpoint.factorised import is_factorised
from vocabx.checkpoint.tables import Checkpoint
from vocabx.corpus.languages import Language
from vocabx.errors import InitializerError
from vocabx.initializers.initializer import Initializer
from vocabx.initializers.options import SETTINGS, VECTOR_FILES, InitializerOptions
from vocabx.initializers.registry import find_initializer
from vocabx.initializers.word_vectors import check_dictionary, space_available, space_packages


def check_initializers(options: InitializerOptions, names: Sequence[str]) -> None:
    """Check that the initializers `names` can run with these options.

    Raises:
        VocabxError: an initializer is unknown, an option is used by none of them, or a file is missing.
    """
    initializers = [find_initializer(name) for name in names]
    by_words = [one for one in initializers if one.vectors in ("by frequency", "plain", "if available")]
    for name in (*VECTOR_FILES, "dictionary"):
        if getattr(options, name) and not by_words:
            raise InitializerError(
                f"{flag(name)} is not used by {' or '.join(names)}, which needs no word "
                "vectors: leave it out, or pass --init wechsel, ofa or cw2v"
            )
    defaults = InitializerOptions()
    for name in SETTINGS:
        used = any(name in initializer.settings for initializer in initializers)
        if getattr(options, name) != getattr(defaults, name) and not used:
            raise InitializerError(f"{flag(name)} is not used by {' or '.join(names)}: leave it out")
    for name in VECTOR_FILES:
        path = getattr(options, name)
        if path and not Path(path).is_file():
            raise InitializerError(f"{flag(name)} {path} is not a file: pass a file of word vectors")


def check_base_model(names: Sequence[str], checkpoint: Checkpoint) -> None:
    """Check that the initializers `names` can compute with a base, if they do; reads its headers alone.

    Raises:
        InitializerError: one of them does, and the base predicts no next token, is factorized, or does not
            fit into memory.
        BaseModelError: one of them does, and the base's weights are quantized, or its class comes with it.
    """
    for name in names:
        if not find_initializer(name).model:
            continue
        if not checkpoint.generates:
            raise InitializerError(
                f"{name} computes with the model's next-token predictions, and a "
                f"{checkpoint.config['model_type']} makes none: pass another --init"
            )
        checkpoint.require_unquantised(name, "pass another --init")
        checkpoint.require_no_own_code(name, "pass another --init")
        if is_factorised(checkpoint.config):
            raise InitializerError(
                f"{name} computes with whole embeddings, and {checkpoint.directory} is factorized: pass "
                "another --init"
            )
        if not fits(checkpoint.weight_bytes):
            raise InitializerError(
                f"{name} computes with the base model, which does not fit into the free memory: free some, "
                "or pass another --init"
            )


def check_tied(names: Sequence[str], tied: bool) -> None:
    """Check that the initializers `names` can make rows of matrices that are tied, if they are.

    Raises:
        InitializerError: one of them cannot.
    """
    for name in names:
        if tied and find_initializer(name).untied:
            raise InitializerError(
                f"{name} makes different rows for input embeddings and lm_head, and here these are tied: "
                "pass --untie, or another --init"
            )


def check_replacing(name: str) -> None:
    """Check that an initializer can make the rows of a vocabulary that replaces the old one.

    Raises:
        InitializerError: it cannot.
    """
    if find_initializer(name).extends:
        raise InitializerError(
            f"{name} needs the old tokens beside the new ones, which transfer replaces: pass another --init"
        )


def rule_taken(name: str, tied: bool) -> str:
    """One sentence on which of its two rules an initializer is applied by, or "" if it has one or both apply.

    Args:
        name: of the initializer.
        tied: whether input embeddings and lm_head of the result share one matrix.
    """
    if not tied or not find_initializer(name).own_output:
        return ""
    return (
        f"{name} has one rule for input embeddings and another for the lm_head; here they share one matrix, "
        "whose new rows follow the rule for input embeddings."
    )


def check_dictionaries(
    options: InitializerOptions, names: Sequence[str], language: Language, source_tag: str
) -> None:
    """Check that the dictionary is there, if one of the initializers `names` will align word vectors by it.

    Args:
        options, names, language, source_tag: see `initializer_packages`.

    Raises:
        VectorsError: it is not, or none is known for the language.
    """
    initializers = map(find_initializer, names)
    if any(_needs_space(one, options, language, source_tag) for one in initializers):
        check_dictionary(options, language, source_tag)


def _needs_space(
    initializer: Initializer, options: InitializerOptions, language: Language, source_tag: str
) -> bool:
    """Whether an initializer will bring word vectors of both languages into one space."""
    if initializer.vectors == "if available":
        return space_available(options, language, source_tag)
    return initializer.vectors in ("by frequency", "plain")


def initializer_packages(
    options: InitializerOptions, names: Sequence[str], language: Language, source_tag: str
) -> Packages:
    """The packages that the initializers `names` will need.

    Args:
        options: the vector files and the dictionary.
        names: of the initializers.
        language: of the new tokens.
        source_tag: BCP 47 tag of the base's language.
    """
    needed: dict[str, str] = {}
    for initializer in map(find_initializer, names):
        if initializer.model:
            needed |= {"torch": "evaluate", "transformers": "evaluate"}
        if initializer.vectors == "of tokens":
            needed["gensim"] = "vectors"
        elif _needs_space(initializer, options, language, source_tag):
            needed |= {"faiss": "vectors", "gensim": "vectors"}
            needed |= space_packages(options, language, source_tag)
    return needed
