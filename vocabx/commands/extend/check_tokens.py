"""What new tokens can be taken from, and added to: checks of the plan that concern tokens alone."""

from pathlib import Path

from vocabx.checkpoint.base import Base
from vocabx.commands.extend.options import ExtendOptions
from vocabx.errors import TokenizerError
from vocabx.progress import Progress
from vocabx.tokenizer.alphabet import Alphabet
from vocabx.tokenizer.donor import donor_lacks_bytes, of_language, read_donor
from vocabx.tokenizer.families.byte_level import ByteLevelTokenizer
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.tokenizer.stated_class import REPLACED
from vocabx.tokenizer.write import model_type


def check_bytes(tokenizer: FastTokenizer, sample: str) -> None:
    """Refuse a byte-level base that has no tokens for some bytes of the text.

    Raises:
        TokenizerError: it drops them.
    """
    lost = tokenizer.lost_bytes(sample) if isinstance(tokenizer, ByteLevelTokenizer) else b""
    if lost:
        raise TokenizerError(
            f"the base's tokenizer drops {len(lost)} bytes of the text, such as 0x{lost[0]:02X}, for which "
            "it has no token: with tokens for them other languages would be tokenized differently too; pass "
            "a base whose tokenizer has all 256 bytes"
        )


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
        "llama.cpp has no name for a widened pre-tokenizer: `vocabx export` will refuse the result, unless "
        "--pre names another one."
    )


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
