"""What new tokens can be taken from, and added to: checks of the plan that concern tokens alone."""

from pathlib import Path

from vocabx.checkpoint.base import Base
from vocabx.commands.extend.options import ExtendOptions
from vocabx.errors import TokenizerError
from vocabx.progress import Progress
from vocabx.tokenizer.alphabet import Alphabet
from vocabx.tokenizer.donor import of_language, read_donor
from vocabx.tokenizer.fast import FastTokenizer


def note_lost(tokenizer: FastTokenizer, alphabet: Alphabet, sample: str, progress: Progress) -> None:
    """Say so where a base has no tokens for some bytes of the language, which it drops."""
    own = "".join(filter(alphabet.allows, set(sample)))
    if lost := tokenizer.lost_tokens(own):
        shown = f"0x{lost[0].strip()[0]:02X}"
        progress.note(
            f"The base's tokenizer drops bytes of the text, such as {shown}: tokens for them come first. Text of "
            "other languages that holds them is tokenized differently, and no claim is made about it."
        )


def check_adaptable(base: Base, tokenizer: FastTokenizer, alphabet: Alphabet, progress: Progress) -> None:
    """Refuse --pretokenizer adapt where it would change nothing, and say what it costs elsewhere.

    Raises:
        TokenizerError: the pre-tokenizer splits no words, or is of an unsupported kind.
    """
    adapted = tokenizer.adapted(alphabet)
    if adapted.spec.get("pre_tokenizer") == tokenizer.spec.get("pre_tokenizer"):
        raise TokenizerError(
            f"the pre-tokenizer of {base.name} ({tokenizer.family}) has no pattern that --pretokenizer adapt "
            "could widen: leave the option out"
        )
    progress.note(
        "llama.cpp has no name for a widened pre-tokenizer: `vocabx export` will refuse the result, unless "
        "--pre names another one."
    )


def donor_tokens(options: ExtendOptions, alphabet: Alphabet) -> tuple[bytes, ...]:
    """The donor's tokens in the language, most frequent first.

    Raises:
        TokenizerError: there are none, or it cannot be read.
    """
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
