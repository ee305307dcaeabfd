"""The proof of an extension of a pruned base: files of the base without its removed tokens, and claims."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from vocabx.corpus.scripts import script_of_letter
from vocabx.tokenizer.adversarial import adversarial_strings
from vocabx.tokenizer.certificate import Claim, Tally
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.tokenizer.prune import Pruned, without
from vocabx.tokenizer.write import write_tokenizer

_BATCH = 1024


@contextmanager
def base_files(directory: Path, pruned: Pruned | None) -> Iterator[Path]:
    """A directory with the files of a base's tokenizer: its own, or of what was left of it, for a while."""
    if pruned is None:
        yield directory
        return
    with TemporaryDirectory() as made:
        write_tokenizer(pruned.tokenizer, directory, Path(made))
        yield Path(made)


def prune_claims(
    pruned: Pruned, texts: Sequence[Sequence[str]], seed: int, adversarial: int
) -> tuple[Claim, ...]:
    """Whether text without removed tokens is tokenized as before, on texts and on adversarial strings."""
    counted = PruneClaims(pruned)
    literals = [token["content"] for token in pruned.base.spec["added_tokens"]]
    for group in (*texts, adversarial_strings(adversarial, seed, literals, long=False)):
        counted.add(group)
    return counted.claims()


def pruned_for(base: FastTokenizer, extended: FastTokenizer) -> Pruned:
    """A base without the tokens that an extension of what was left of it lacks.

    Raises:
        TokenizerError: one of them is no leaf.
    """
    missing = base.vocabulary.keys() - extended.vocabulary.keys()
    return without(base, sorted(base.vocabulary[piece] for piece in missing))


class PruneClaims:
    """The claims about a pruned base, counted batch by batch."""

    def __init__(self, pruned: Pruned) -> None:
        self.pruned = pruned
        self.removed = set(pruned.removed)
        self.ids = {
            index: pruned.tokenizer.vocabulary[piece]
            for index, piece in pruned.base.id_to_piece.items()
            if index not in self.removed
        }
        self.same = Tally(
            "pruned-other-text", "Text in which the base has no removed token is tokenized as before."
        )
        self.changed = Tally(
            "pruned-text",
            f"No text here holds a removed token (of {scripts_in(pruned)}), which is tokenized differently.",
            required=False,
        )

    def add(self, texts: Sequence[str]) -> None:
        """Count texts."""
        for start in range(0, len(texts), _BATCH):
            batch = texts[start : start + _BATCH]
            pairs = zip(self.pruned.base.encode(batch), self.pruned.tokenizer.encode(batch), strict=True)
            for text, (old, new) in zip(batch, pairs, strict=True):
                touched = not self.removed.isdisjoint(old)
                if not touched:
                    self.same.add(text, [self.ids[index] for index in old] == new)
                self.changed.add(text, not touched)

    def claims(self) -> tuple[Claim, Claim]:
        """Whether the rest is as before, and which of the texts is not."""
        return self.same.claim(), self.changed.claim()


def scripts_in(pruned: Pruned) -> str:
    """The scripts of the removed tokens, most frequent first, for people."""
    counts: Counter[str] = Counter()
    for index in pruned.removed:
        text = pruned.base.token_bytes[index].decode("utf-8", "ignore")
        counts.update({script_of_letter(character) for character in text} - {""})
    ordered = sorted(counts, key=lambda name: (-counts[name], name))
    return ", ".join(ordered[:6]) + (" and others" if len(ordered) > 6 else "")
