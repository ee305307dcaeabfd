"""Programs that are known to read the result otherwise although they read its base rightly.

docs/runtimes.md holds what was measured; here is what can be told before an extension is made.
"""

from collections.abc import Iterator

from vocabx.checkpoint.base import Base
from vocabx.progress import Progress
from vocabx.tokenizer.families.sentencepiece_bpe import SentencePieceTokenizer
from vocabx.tokenizer.fast import MODEL_NAME, FastTokenizer
from vocabx.tokenizer.settings import read_config
from vocabx.tokenizer.splits import splits_of
from vocabx.tokenizer.stated_class import PLAIN, stated_class
from vocabx.tokenizer.write import model_type

# Llama 3's and its descendants': one character that is no letter goes with the letters behind it.
_WITH_LETTERS = r"[^\r\n\p{L}\p{N}]?\p{L}+"
# After as many characters without a space, onnxruntime begins anew.
_LONG = 100
_WIDE_SPACES = "\u00a0\u3000"


def note_programs(base: Base, tokenizer: FastTokenizer, sample: str, progress: Progress) -> None:
    """Say which programs will read the result otherwise, and why.

    Args:
        base: the base.
        tokenizer: its tokenizer.
        sample: text in the new language.
        progress: receives one sentence for each program.
    """
    found = list(_known(base, tokenizer, sample))
    for sentence in found:
        progress.note(sentence)
    if found:
        progress.note("`vocabx verify DIR --runtimes all` asks the programs that you have.")


def _known(base: Base, tokenizer: FastTokenizer, sample: str) -> Iterator[str]:
    config = read_config(base.directory) if base.directory.is_dir() else {}
    kind = model_type(base.directory)
    named, _ = stated_class(tokenizer.spec, tokenizer.vocabulary, config, kind, kind)
    # Character-level BPE has no .model, and is another algorithm there.
    if (
        isinstance(tokenizer, SentencePieceTokenizer)
        and named == PLAIN
        and MODEL_NAME in tokenizer.companions()
    ):
        yield (
            "onnxruntime-extensions will keep the space before a text apart from its first word: it goes by "
            f"the class, which has to be {PLAIN} for transformers 5. onnxruntime-genai reads it rightly."
        )
    if named == "GemmaTokenizer" and any(len(word) > _LONG for word in sample.split()):
        yield (
            "onnxruntime-extensions and onnxruntime-genai will split tokens in long sentences without "
            f"spaces: of such a tokenizer they read {_LONG} characters at a time, in the base as well."
        )
    if isinstance(tokenizer, SentencePieceTokenizer):
        yield (
            "iree-tokenizer will tokenize some texts of more than 2,048 bytes otherwise, other ones than it "
            "does with the base: it merges in windows of that size."
        )
        if any(token.get("normalized") and token.get("special") for token in tokenizer.spec["added_tokens"]):
            yield (
                "CTranslate2 will not find a special token that is written out in a text, as with the base: "
                "these are normalized before they are sought, which gives them other names."
            )
    patterns = splits_of(tokenizer.spec.get("pre_tokenizer")) or ()
    if not any(_WITH_LETTERS in pattern for pattern in patterns):
        return
    yield (
        "iree-tokenizer may tokenize a few texts otherwise that it reads rightly with the base: it does not "
        "always merge the pair of the lowest rank first."
    )
    if any(space in sample for space in _WIDE_SPACES):
        yield (
            "tokie will tokenize words after a wide space (U+3000) or a no-break space otherwise: it splits "
            "them from the space, which the tokenizer's pattern keeps with them."
        )
