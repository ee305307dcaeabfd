"""The story of `vocabx verify`: certify a finished directory, whoever made it."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vocabx._util.extras import left_out, missing, require_all
from vocabx.checkpoint.base import base_packages, find_tokenizer_base
from vocabx.checkpoint.configuration import rows_by_configuration
from vocabx.checkpoint.grow import read_generation_config
from vocabx.checkpoint.manifest import Manifest, read_manifest
from vocabx.checkpoint.recorded import recorded_claims, require_base_directory
from vocabx.checkpoint.suppressed import suppressed_ids, suppressed_tokens
from vocabx.commands.verify.compare_runtimes import compare_runtimes
from vocabx.commands.verify.options import VerifyOptions
from vocabx.corpus.find_texts import resolve_sources
from vocabx.corpus.formats import text_packages
from vocabx.corpus.languages import Language, find_language, with_scripts_of
from vocabx.corpus.sample import sample_corpus
from vocabx.corpus.several import find_languages, texts_by_language, without_tag
from vocabx.corpus.source import TextSource, default_source, learning_source, note_left_out, peek, user_source
from vocabx.errors import CorpusError, LanguageError, OptionError, TokenizerError, VocabxError
from vocabx.progress import Progress, Quiet
from vocabx.runtimes.places import places_of
from vocabx.runtimes.reading import Row
from vocabx.runtimes.registry import find_runtimes
from vocabx.tokenizer.agreement import PACKAGES as TRANSFORMERS
from vocabx.tokenizer.alphabet import Alphabet
from vocabx.tokenizer.certificate import Certificate, Claim, claim
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.tokenizer.prove_pruned import base_files, prune_claims, pruned_for
from vocabx.tokenizer.read_tokenizer import read_tokenizer
from vocabx.tokenizer.verify import Texts, new_tokens
from vocabx.tokenizer.verify import verify as verify_tokenizers


@dataclass(frozen=True)
class VerifyResult:
    """The certificate of a directory against its base.

    Attributes:
        directory, base: the extension and its base.
        language: BCP 47 tag, "und" if only the script is known.
        new_tokens: number of text tokens that the base lacks.
        certificate: the claims.
        runtimes: what other programs make of it, where that was asked for.
    """

    directory: Path
    base: str
    language: str
    new_tokens: int
    certificate: Certificate
    runtimes: tuple[Row, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every required claim holds, and no runtime reads it wrongly that reads the base rightly."""
        return self.certificate.passed and not any(row.fails for row in self.runtimes)

    def to_dict(self) -> dict[str, Any]:
        """As plain data, ready for JSON."""
        return {
            "directory": str(self.directory),
            "base": self.base,
            "language": self.language,
            "new_tokens": self.new_tokens,
            "passed": self.passed,
            "claims": [vars(found) | {"holds": found.holds} for found in self.certificate.claims],
            "runtimes": [row.to_dict() for row in self.runtimes],
        }


def verify(options: VerifyOptions, progress: Progress | None = None) -> VerifyResult:
    """Prove an extension, whoever made it, against its base, and check its files against vocabx.json.

    A transferred tokenizer extends nothing, so only its records are checked.

    Args:
        options: see `VerifyOptions`; base and language default to those recorded in the directory.
        progress: receives the stages.

    Raises:
        VocabxError: if there is no tokenizer, its base is unknown or not the recorded one, or there is no
            text to verify on.
    """
    progress = progress or Quiet()
    directory = options.directory
    if not directory.exists():
        raise TokenizerError(f"{directory} does not exist: pass the directory of an extended checkpoint")
    runtimes = places_of(find_runtimes(options.runtime_names), options.runtimes_at)
    manifest = read_manifest(directory)
    if runtimes and manifest is not None and manifest.transferred:
        raise OptionError(f"{directory} extends no base that runtimes could be compared on: omit --runtimes")
    records = _records(directory, progress)
    if options.records or (manifest is not None and manifest.transferred):
        return _by_records(directory, manifest, records)
    extended = read_tokenizer(directory)
    name = options.against or (manifest.base.name if manifest else "")
    if not name:
        raise TokenizerError(f"{directory} does not record its base: pass --against with the base")
    tags = options.lang or (manifest.language if manifest else "")
    own_text = resolve_sources((*(without_tag(one) for one in options.corpus), *options.base_text))
    require_all({**base_packages(name, weights=False), **text_packages(own_text)})
    base = find_tokenizer_base(name, progress)
    with progress.stage("Checking the base's embeddings"):
        require_base_directory(directory, base.directory)
    tokenizer = read_tokenizer(base.directory)
    pruned = pruned_for(tokenizer, extended) if manifest and manifest.origin.get("pruned") else None
    tokenizer = pruned.tokenizer if pruned else tokenizer
    new = new_tokens(tokenizer, extended)
    language = _language(tags, new)
    texts_of_target = _target_sources(options, language)
    if manifest is not None and not options.lang:
        language = _with_earlier(language, manifest, tokenizer.tokens_end, extended)
    with progress.stage("Reading text"):
        target = _sample_each(texts_of_target, language, options, progress)
        source = _user(options.base_text, options) or default_source(find_language(base.language))
        own = _sample(source, _scripts_of(source), options, progress)
    alphabet = Alphabet(language.scripts, language.blocks)
    # If no text is available, the tokens themselves serve as text.
    texts = Texts(target or _alone(new), own, (), options.seed, options.adversarial)
    # transformers only reads directories, and a bare file does not record special tokens.
    directories = (base.directory, directory) if directory.is_dir() else None
    if directories and (without := left_out({"the claims about transformers": TRANSFORMERS})):
        progress.note(without)
    with (
        base_files(base.directory, pruned) as files,
        progress.stage("Verifying", unit="texts") as advance,
    ):
        both = directories and (files, directories[1])
        certificate = verify_tokenizers(tokenizer, extended, alphabet, texts, both, advance)
    claims = (*certificate.claims, *records, *_fits(directory, extended, base.directory))
    if pruned:
        claims += prune_claims(pruned, [texts.base, texts.target], options.seed, options.adversarial)
    pair = ((tokenizer, base.directory), (extended, directory))
    rows = compare_runtimes(runtimes, *pair, texts, options, progress) if runtimes else ()
    return VerifyResult(directory, name, language.tag, len(new), Certificate(claims), rows)


def _alone(new: list[str]) -> list[str]:
    return [token.strip() for token in new if token.strip()]


def _language(tag: str, new: list[str]) -> Language:
    sample = "".join(new)
    if tag:
        return _with_scripts(find_languages(tag), sample)
    try:
        return with_scripts_of(Language("und", "the new tokens' language", ()), sample)
    except LanguageError:
        raise LanguageError("the new tokens do not reveal their script: pass --lang") from None


def _with_scripts(language: Language, sample: str) -> Language:
    """A language with the scripts of a sample of it, or of several, where a profile gives none."""
    if language.scripts or not language.parts:
        return with_scripts_of(language, sample)
    known = [name for one in language.parts for name in one.scripts]
    found = with_scripts_of(replace(language, parts=()), sample).scripts
    return replace(language, scripts=tuple(dict.fromkeys([*known, *found])))


def _with_earlier(language: Language, manifest: Manifest, old: int, extended: FastTokenizer) -> Language:
    """A language, with the characters of those that were added before it to a base of `old` tokens."""
    scripts, blocks = [*language.scripts], [*language.blocks]
    for step in manifest.chain:
        if step.base.tokens >= old:
            ids = (one for part in step.ranges for one in range(part.first_id, part.first_id + part.count))
            text = b" ".join(extended.token_bytes.get(one, b"") for one in ids).decode("utf-8", "ignore")
            earlier = _with_scripts(find_languages(step.language), text)
            scripts += earlier.scripts
            blocks += earlier.blocks
    return replace(language, scripts=tuple(dict.fromkeys(scripts)), blocks=tuple(dict.fromkeys(blocks)))


def _scripts_of(source: TextSource) -> tuple[str, ...]:
    return with_scripts_of(Language("und", "the base's text", ()), peek(source)).scripts


def _user(patterns: tuple[str, ...], options: VerifyOptions) -> TextSource | None:
    return user_source(patterns, options.text_field, "") if patterns else None


def _target_sources(options: VerifyOptions, language: Language) -> list[tuple[Language, TextSource | None]]:
    """The text of each language, None where it has none; of several, all of it where it is not told apart."""
    named, others = texts_by_language(options.corpus, language)
    if others and not (named and language.parts):
        patterns = (*named.get(language.tag, ()), *others)
        return [(language, user_source(patterns, options.text_field, ""))]
    if options.corpus:
        if others:
            raise CorpusError(
                f"--corpus {others[0]} names no language, and others do: name one for each, or none"
            )
        return [
            (one, user_source(named[one.tag], options.text_field, ""))
            for one in language.each
            if one.tag in named
        ]
    return [(one, _default_source(one)) for one in language.each]


def _default_source(language: Language) -> TextSource | None:
    if language.tag == "und":
        return None
    try:
        source = learning_source(language)
    except VocabxError:
        return None
    return None if missing(source.packages) else source


def _sample_each(
    sources: list[tuple[Language, TextSource | None]],
    language: Language,
    options: VerifyOptions,
    progress: Progress,
) -> list[str]:
    """Lines of the text of each language."""
    lines: list[str] = []
    for one, source in sources:
        found = _sample(source, one.scripts or language.scripts, options, progress, one.name)
        lines += found
    return lines


def _sample(
    source: TextSource | None,
    scripts: tuple[str, ...],
    options: VerifyOptions,
    progress: Progress,
    name: str = "the language",
) -> list[str]:
    if source is None:
        progress.note(f"No text in {name}: verified only on the new tokens and on adversarial strings.")
        return []
    corpus = sample_corpus(source.open(), scripts, options.sample_bytes, 1000, options.seed)
    note_left_out(source, progress)
    lines = [*corpus.heldout, *corpus.learning]
    if not lines:
        raise CorpusError(f"{source.description} holds no text to verify on: pass another --corpus")
    return lines


def _records(directory: Path, progress: Progress) -> tuple[Claim, ...]:
    """Claims that the files match vocabx.json."""
    with progress.stage("Checking the records", unit="B") as advance:
        return recorded_claims(directory, advance)


def _by_records(directory: Path, manifest: Manifest | None, records: tuple[Claim, ...]) -> VerifyResult:
    """The result of checking the records alone, which needs no base."""
    if manifest is None:
        raise TokenizerError(f"{directory} has no records in vocabx.json: pass --against with the base")
    new = manifest.sizes.new_tokens
    return VerifyResult(directory, manifest.base.name, manifest.language, new, Certificate(records))


def _fits(directory: Path, extended: FastTokenizer, base: Path) -> list[Claim]:
    """The claims that every id has a row, if config.json records the number of rows, and may be generated."""
    rows = rows_by_configuration(directory)
    if rows is None:
        return []
    last = extended.tokens_end
    case = (f"the highest id is {last - 1} and config.json says {rows} rows", last <= rows)
    claims = [claim("rows", "Every token has a row in the embedding matrices.", [case])]
    ids = suppressed_ids(read_generation_config(directory))
    if ids:
        tokens = set(suppressed_tokens(directory, extended, base))
        cases = ((f"{extended.describe(n)} (id {n})", n not in tokens and 0 <= n < rows) for n in ids)
        claims.append(claim("suppressed", "What generation suppresses as padding is padding.", cases))
    return claims
