"""What new tokens can be taken from, and added to: checks of the plan that concern tokens alone."""

from collections.abc import Sequence
from pathlib import Path

from vocabx._util.shorten import shortened
from vocabx.checkpoint.base import Base
from vocabx.commands.extend.options import ExtendOptions
from vocabx.corpus.languages import Language
from vocabx.errors import TokenizerError
from vocabx.progress import Progress
from vocabx.tokenizer.alphabet import Alphabet
from vocabx.tokenizer.class_templates import has_codes
from vocabx.tokenizer.donor import donor_lacks_bytes, of_language, read_donor
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.tokenizer.prune import Pruned, check_prunable, rarest_leaves, without
from vocabx.tokenizer.settings import read_config, read_settings
from vocabx.tokenizer.slow_files import class_of
from vocabx.tokenizer.stated_class import PLAIN, REPLACED, stated_class
from vocabx.tokenizer.superwords import joined
from vocabx.tokenizer.verify import added_tokens_claim
from vocabx.tokenizer.write import model_type


def note_lost(tokenizer: FastTokenizer, alphabet: Alphabet, sample: str, progress: Progress) -> None:
    """Say so where a base has no tokens for some bytes of the language, which it drops."""
    own = "".join(filter(alphabet.allows, set(sample)))
    if lost := tokenizer.lost_tokens(own):
        shown = f"0x{lost[0].strip()[0]:02X}"
        progress.note(
            f"The base's tokenizer drops bytes of the text, such as {shown}: tokens for them come first. "
            "Text of other languages that holds them is tokenized differently, and no claim is made about it."
        )


def note_codes(base: Base, tokenizer: FastTokenizer, progress: Progress) -> None:
    """Say so where the base's class lets users switch the language's code around a text, and is not kept."""
    config, kind = read_config(base.directory), model_type(base.directory)
    name = class_of(config, read_settings(base.directory / "config.json"))
    kept, _ = stated_class(tokenizer.spec, tokenizer.vocabulary, config, kind, kind)
    if has_codes(name) and kept == PLAIN:
        progress.note(
            f"{name}Tokenizer switches the code of the source language around a text. The result states the "
            "generic class, which keeps one code: put others there in your own script."
        )


def check_added(tokenizer: FastTokenizer) -> None:
    """Refuse a base with an added token that an extension would also find where the base does not.

    An extended model lists every token, so it may find the text of one that the base matches only as a word
    of its own, or only after a space that its normalizer adds.

    Raises:
        TokenizerError: there is one.
    """
    known = tokenizer.pieces()
    partly = [
        token
        for token in tokenizer.spec["added_tokens"]
        if token["content"] not in known
        and (token["single_word"] or (token["normalized"] and not _is_normal(tokenizer, token["content"])))
    ]
    if partly and (claim := added_tokens_claim((tokenizer, tokenizer.extended((), tokenizer.size)))).failed:
        raise TokenizerError(
            f"the base matches its added token {shortened(claim.examples[0], 60)} only in some places, and "
            f"an extended {tokenizer.family} tokenizer would find it in all: state it with normalized and "
            "single_word false in tokenizer.json, or remove it"
        )


def _is_normal(tokenizer: FastTokenizer, text: str) -> bool:
    return tokenizer.normal(text) == text


def check_adaptable(base: Base, tokenizer: FastTokenizer, alphabet: Alphabet, progress: Progress) -> None:
    """Refuse --pretokenizer adapt where it would change nothing or be lost, and say what it costs elsewhere.

    Raises:
        TokenizerError: the pre-tokenizer splits no words, or is of an unsupported kind; or transformers 5
            would replace it.
    """
    if (kind := model_type(base.directory)) in REPLACED:
        raise TokenizerError(
            f"transformers 5 replaces the pre-tokenizer of {kind} models, whatever the files state, so "
            "--pretokenizer adapt would not be read: leave the option out"
        )
    adapted = tokenizer.adapted(alphabet)
    if adapted.spec.get("pre_tokenizer") == tokenizer.spec.get("pre_tokenizer"):
        raise TokenizerError(
            f"the pre-tokenizer of {base.name} ({tokenizer.family}) has no pattern that --pretokenizer adapt "
            "could widen: leave the option out"
        )
    progress.note(
        "llama.cpp has no name for a widened pre-tokenizer: `vocabx export --gguf` will refuse the result, "
        "unless --pre names another one. For llama.cpp, leave --pretokenizer adapt out."
    )


def check_superwords(
    base: Base, tokenizer: FastTokenizer, language: Language, alphabet: Alphabet, progress: Progress
) -> None:
    """Refuse --superwords where there can be none, and say what it costs elsewhere.

    Raises:
        TokenizerError: a language has no spaces, the tokenizer is of another family or its pre-tokenizer of
            an unsupported kind, or transformers 5 would replace it.
    """
    if unspaced := [one.name for one in language.each if one.segmentation != "spaces"]:
        raise TokenizerError(
            f"--superwords joins words that spaces separate, and {unspaced[0]} has none: leave the option out"
        )
    if (kind := model_type(base.directory)) in REPLACED:
        raise TokenizerError(
            f"transformers 5 replaces the pre-tokenizer of {kind} models, whatever the files state, so "
            "--superwords would not be read: leave the option out"
        )
    joined(tokenizer, alphabet)
    progress.note(
        "llama.cpp has no name for a pre-tokenizer that keeps words together: `vocabx export --gguf` will "
        "refuse the result. For llama.cpp, leave --superwords out."
    )


def pruned_base(
    tokenizer: FastTokenizer, count: int, scripts: Sequence[str], samples: Sequence[str]
) -> Pruned:
    """The base without `count` leaves of other scripts, those that the samples of both texts hold least.

    Raises:
        TokenizerError: there are fewer, or the tokenizer is of another family.
    """
    check_prunable(tokenizer)
    usage = tokenizer.usage([line for sample in samples for line in sample.split("\n")])
    return without(tokenizer, rarest_leaves(tokenizer, usage, scripts, count))


def donor_tokens(options: ExtendOptions, alphabet: Alphabet, progress: Progress) -> tuple[bytes, ...]:
    """The donor's tokens in the language, most frequent first; says so where the donor lost its bytes.

    Raises:
        TokenizerError: there are none, or it cannot be read.
    """
    if donor_lacks_bytes(Path(options.donor)):
        progress.note(
            f"{options.donor} states byte fallback and has no tokens for bytes, as after "
            "train_new_from_iterator: its own text has unknown tokens. Its other tokens are taken."
        )
    tokens = tuple(of_language(read_donor(Path(options.donor)), alphabet.allows_token))
    if not tokens:
        raise TokenizerError(f"{options.donor} has no tokens of the language: pass another --donor or --lang")
    return tokens


def check_donor(options: ExtendOptions) -> None:
    """Refuse a donor that is not there.

    Raises:
        TokenizerError: it does not exist.
    """
    if options.donor and not Path(options.donor).exists():
        raise TokenizerError(
            f"--donor {options.donor} does not exist: pass a directory, a tokenizer.json, a .model or a "
            "tiktoken file"
        )
