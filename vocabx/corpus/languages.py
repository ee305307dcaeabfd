"""Language profiles by BCP 47 tag: scripts, default text, segmentation, dictionary.

Profiles are data files in assets/languages. A language without one works with the user's own text.
"""

import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from vocabx._util.packaged import PackagedFile
from vocabx._util.suggest import nearest
from vocabx.corpus.scripts import script_of_letter
from vocabx.errors import LanguageError

# Tags that say less than the profile's and mean the same in practice: Norwegian is written as Bokmål.
_SAME = {"no": "nb"}
# Written without spaces between words; the names are Unicode's.
WITHOUT_SPACES = set(
    "Han Hiragana Katakana Bopomofo Yi Tangut Nushu Thai Lao Khmer Myanmar Tibetan Javanese Balinese Tai_Le "
    "New_Tai_Lue Tai_Tham Tai_Viet Ahom".split()
)


@dataclass(frozen=True)
class PackagedText:
    """A packaged text file, and the OpenCC configuration that converts it to the language, or ""."""

    file: PackagedFile
    opencc: str


@dataclass(frozen=True)
class WordList:
    """A list of words with their frequencies, see `word_frequencies`.

    Attributes:
        name: of the list in the package wordfreq.
        opencc: the OpenCC configuration that converts its words to the language, or "".
        joined: how many words stand between two spaces of text; 0 for a language without spaces.
    """

    name: str
    opencc: str = ""
    joined: int = 1


@dataclass(frozen=True)
class PackagedVectors:
    """Word vectors inside installed packages.

    Attributes:
        files: the reader's input, in order.
        reader: the name of a vector reader, see `vectors.packaged_vectors`.
        opencc: the OpenCC configuration that converts the words to the language, or "".
    """

    files: tuple[PackagedFile, ...]
    reader: str
    opencc: str = ""


@dataclass(frozen=True)
class PackagedPairs:
    """The same sentences in a language and in English, inside installed packages; see `sentence_pairs`.

    Attributes:
        files: the text in the language, and in English.
        opencc: the OpenCC configuration that converts the first to the language, or "".
    """

    files: tuple[PackagedFile, PackagedFile]
    opencc: str = ""


@dataclass(frozen=True)
class Language:
    """What vocabx needs to know about a language.

    Attributes:
        tag: standardized BCP 47 tag.
        name: in English.
        scripts: Unicode script names; empty if they are to be determined from the text.
        blocks: inclusive ranges of further characters that tokens may contain.
        segmentation: how lines are split into words: "spaces", "jieba" or "none"; see `vectors.words`.
        dictionary: a bilingual dictionary with English, by name, or "".
        packaged: default text inside installed packages.
        measured: text of another domain inside installed packages, to measure what is not trained on.
        hub: default text on the hub, as an hf:// source, or "".
        hub_opencc: OpenCC configuration for the hub text, or "".
        vectors: word vectors inside installed packages, or None.
        words: word frequencies in the package wordfreq, or None.
        pairs: sentences in the language and in English inside installed packages, or None.
        sentence: one in the language, for a page to begin with, or "".
        parts: the languages of several, see `several`; empty for one.
    """

    tag: str
    name: str
    scripts: tuple[str, ...]
    blocks: tuple[tuple[int, int], ...] = ()
    segmentation: str = "spaces"
    dictionary: str = ""
    packaged: tuple[PackagedText, ...] = ()
    hub: str = ""
    hub_opencc: str = ""
    vectors: PackagedVectors | None = None
    words: WordList | None = None
    pairs: PackagedPairs | None = None
    sentence: str = ""
    parts: tuple["Language", ...] = ()
    measured: tuple[PackagedText, ...] = ()

    @property
    def each(self) -> tuple["Language", ...]:
        """The languages one by one: itself if it is one."""
        return self.parts or (self,)


def profiles() -> tuple[str, ...]:
    """The tags that have a profile, sorted."""
    directory = files("vocabx.assets") / "languages"
    return tuple(
        sorted(p.name.removesuffix(".toml") for p in directory.iterdir() if p.name.endswith(".toml"))
    )


def read_profile(tag: str) -> Language:
    """The language of a profile, by its own tag: one of `profiles`."""
    text = (files("vocabx.assets") / "languages" / f"{tag}.toml").read_text(encoding="utf-8")
    profile = tomllib.loads(text)
    hub = profile.get("hub", {})
    return Language(
        tag=tag,
        name=profile["name"],
        scripts=tuple(profile["scripts"]),
        blocks=tuple(_range(block) for block in profile.get("blocks", ())),
        segmentation=profile["segmentation"],
        dictionary=profile.get("dictionary", ""),
        packaged=_packaged(profile.get("packaged", ())),
        hub=hub.get("source", ""),
        hub_opencc=hub.get("opencc", ""),
        vectors=_vectors(profile.get("vectors")),
        words=WordList(**profile["words"]) if "words" in profile else None,
        pairs=_pairs(profile.get("pairs")),
        sentence=profile.get("sentence", ""),
        measured=_packaged(profile.get("measured", ())),
    )


def find_language(tag: str) -> Language:
    """Return the language of a BCP 47 tag.

    A regional tag gets the profile of its language and script: zh-TW that of zh-Hant.

    Raises:
        LanguageError: the tag is not a valid BCP 47 tag.
    """
    import langcodes

    if "," in tag:
        raise LanguageError(f"{tag!r} are several languages, and this takes one: pass one BCP 47 tag")
    try:
        standard = langcodes.standardize_tag(tag, macro=True)
        parsed = langcodes.Language.get(standard)
        valid = parsed.is_valid() and standard not in ("", "und")
    except langcodes.LanguageTagError:
        valid = False
    known = profiles()
    if not valid:
        raise LanguageError(
            f"unknown language tag {tag!r}.{_suggestion(tag)} Pass a BCP 47 tag such as zh-Hant or de"
        )
    wanted = langcodes.Language.get(_SAME.get(standard, standard)).maximize()
    for profile in known:
        candidate = langcodes.Language.get(profile).maximize()
        if (candidate.language, candidate.script) == (wanted.language, wanted.script):
            return read_profile(profile)
    return Language(tag=standard, name=parsed.display_name(), scripts=())


def language_name(tag: str) -> str:
    """The English name of a language, or of each of several, for display; its tag if the name is unknown."""
    import langcodes

    if "," in tag:
        return enumerated([language_name(one) for one in tag.split(",")])
    if tag == "und":
        return "The base's language"
    try:
        name: str = langcodes.Language.get(tag).display_name()
    except langcodes.LanguageTagError:
        return tag
    return name


def enumerated(names: Sequence[str]) -> str:
    """Names in a sentence: A, B and C."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def _suggestion(tag: str) -> str:
    """Suggest a tag for a language name, in English or in the language itself, or for a mistyped tag."""
    import langcodes

    # langcodes uses control characters as separators in its name table and fails on them.
    if not tag.isprintable():
        return ""
    try:
        return f" Did you mean {langcodes.find(tag).to_tag()}?"
    except LookupError:
        return nearest(tag, profiles())


def with_scripts_of(language: Language, sample: str) -> Language:
    """Return `language` with its scripts determined from `sample`, if its profile gives none.

    Any script of Unicode counts if it has a fifth of the letters; Latin is dropped if there is another one.

    Raises:
        LanguageError: the sample contains no letters.
    """
    if language.scripts:
        return language
    counts: Counter[str] = Counter()
    for character, count in Counter(sample).items():
        counts[script_of_letter(character)] += count
    del counts[""]
    total = counts.total()
    scripts = tuple(name for name, count in sorted(counts.items()) if count >= total / 5)
    if len(scripts) > 1:
        scripts = tuple(name for name in scripts if name != "Latin")
    if not scripts:
        raise LanguageError(f"cannot tell the script of {language.name} from the text: it holds no letters")
    return Language(
        tag=language.tag,
        name=language.name,
        scripts=scripts,
        segmentation="none" if set(scripts) <= WITHOUT_SPACES else "spaces",
    )


def _packaged(entries: Iterable[dict[str, str]]) -> tuple[PackagedText, ...]:
    return tuple(
        PackagedText(
            PackagedFile(**{k: v for k, v in entry.items() if k != "opencc"}), entry.get("opencc", "")
        )
        for entry in entries
    )


def _vectors(table: dict[str, Any] | None) -> PackagedVectors | None:
    if table is None:
        return None
    return PackagedVectors(
        tuple(PackagedFile(**file) for file in table["files"]), table["reader"], table.get("opencc", "")
    )


def _pairs(table: dict[str, Any] | None) -> PackagedPairs | None:
    if table is None:
        return None
    target, english = (PackagedFile(**file) for file in table["files"])
    return PackagedPairs((target, english), table.get("opencc", ""))


def _range(block: str) -> tuple[int, int]:
    low, _, high = block.partition("-")
    return int(low, 16), int(high, 16)
