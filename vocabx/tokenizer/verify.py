"""The proof of a certificate: an extended tokenizer against its base, on real text and on hostile strings.

The claims compare the two tokenizers themselves and do not trust how the extension was made. That all
files of one tokenizer say the same is proven in `agreement`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from vocabx.errors import TokenizerError
from vocabx.tokenizer.agreement import agreement_claims, special_token_claims
from vocabx.tokenizer.alphabet import Alphabet
from vocabx.tokenizer.certificate import Certificate, Claim, claim
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.tokenizer.hostile import HOSTILE_COUNT, hostile_strings

_Result = TypeVar("_Result")
_Pair = tuple[FastTokenizer, FastTokenizer]
_Advance = Callable[[float], None]
_BATCH = 1024
_SECTIONS = ("normalizer", "post_processor", "decoder", "truncation", "padding")


@dataclass(frozen=True)
class Texts:
    """What an extension is proven on.

    Attributes:
        target: text in the new language.
        base: lines of text in the base's language.
        protected: lines that must be cut as before, whatever they are written in.
        seed: of the hostile strings.
        hostile: how many of those.
    """

    target: Sequence[str] = field(repr=False)
    base: Sequence[str] = field(repr=False)
    protected: Sequence[str] = field(default=(), repr=False)
    seed: int = 0
    hostile: int = HOSTILE_COUNT


def verify(
    base: FastTokenizer,
    extended: FastTokenizer,
    alphabet: Alphabet,
    texts: Texts,
    directories: tuple[Path, Path] | None = None,
    advance: _Advance = lambda done: None,
) -> Certificate:
    """Check an extension against its base.

    Args:
        base, extended: the two tokenizers.
        alphabet: the characters of the new language.
        texts: what to prove it on.
        directories: of the base and of the extension, to prove what transformers makes of their files;
            None leaves those claims out, as does a machine without transformers.
        advance: called with the number of texts compared.

    Raises:
        TokenizerError: the two are of different families, so that nothing can be an extension.
    """
    if base.family != extended.family:
        raise TokenizerError(
            f"the base is a {base.family} tokenizer and the other a {extended.family} one: neither can be an "
            "extension of the other"
        )
    literals = [token["content"] for token in base.spec["added_tokens"]]
    strings = hostile_strings(texts.hostile, texts.seed, literals)

    # A normalizer may make the language's characters of others, such as upright brackets of turned ones.
    def foreign_to(text: str) -> bool:
        return not alphabet.touches(text) and not alphabet.touches(base.normal(text))

    foreign = [text for text in strings if foreign_to(text)]
    # A line of the base's language that holds some of the new one may change. Where most lines do, the two
    # share a script, and the number of changed lines is information.
    own = [text for text in texts.base if foreign_to(text)]
    shares_script = len(own) < len(texts.base) / 2
    pair = (base, extended)
    everything = [*texts.target, *texts.base, *strings]
    claims = [
        _base_ids(pair),
        _base_rules(pair),
        _base_reachable(pair),
        _settings(pair),
        *_pre_tokenizer(pair, [*own, *foreign]),
        _same_ids("base-text", "Text in the base's language is cut exactly as before.",
                  pair, texts.base if shares_script else own, advance, required=not shares_script),
        _same_ids("other-text", "Hostile strings without the new language are cut exactly as before.",
                  pair, foreign, advance),
        *_round_trips(pair, everything, advance),
        *_known(pair, texts.target),
        _no_added_tokens(pair),
        _reachable(pair),
        _used(pair, texts.target),
        *agreement_claims(base, extended, everything, directories, advance),
        *special_token_claims(directories),
    ]  # fmt: skip
    if texts.protected:
        sentence = "The protected text is cut exactly as before."
        claims.append(_same_ids("protected", sentence, pair, texts.protected, advance))
    return Certificate(tuple(claims))


def _base_ids(pair: _Pair) -> Claim:
    before, after = pair[0].vocabulary, pair[1].vocabulary
    cases = ((f"{text} was {index}, is {after.get(text)}", after.get(text) == index)
             for text, index in before.items())  # fmt: skip
    return claim("base-ids", "Every token of the base keeps its id.", cases)


def _base_rules(pair: _Pair) -> Claim:
    def comparable(tokenizer: FastTokenizer) -> list[str]:
        rules = tokenizer.rules()
        return [rule if isinstance(rule, str) else " ".join(map(str, rule)) for rule in rules]

    before, after = map(comparable, pair)
    known = set(before)
    kept = after if pair[0].appends_rules else [rule for rule in after if rule in known]
    cases = ((f"rule {n}: {old}", n < len(kept) and kept[n] == old) for n, old in enumerate(before))
    return claim("base-rules", "The base's merges or scores are there unchanged, in their order.", cases)


def _base_reachable(pair: _Pair) -> Claim:
    base = pair[0]
    reached = [index for index in sorted(base.token_bytes) if base.reaches(index)]
    cases = ((f"{base.describe(index)} (id {index})", _same_and_reached(pair, index)) for index in reached)
    return claim("base-reachable", "Every token that the base can reach is reached still.", cases)


def _same_and_reached(pair: _Pair, index: int) -> bool:
    base, extended = pair
    return extended.written.get(index) == base.written[index] and extended.reaches(index)


def _settings(pair: _Pair) -> Claim:
    before, after = (tokenizer.spec for tokenizer in pair)
    cases = [(key, before.get(key) == after.get(key)) for key in _SECTIONS]
    model, new_model = before["model"], after["model"]
    keys = (model.keys() | new_model.keys()) - {"vocab", "merges", "type"}
    cases += [
        (f"model.{key}", (model.get(key) or None) == (new_model.get(key) or None)) for key in sorted(keys)
    ]
    known = after["added_tokens"]
    cases += [(f"added token {token['content']}", token in known) for token in before["added_tokens"]]
    return claim("settings", "Everything that is not vocabulary or merges is unchanged.", cases)


def _pre_tokenizer(pair: _Pair, texts: Sequence[str]) -> list[Claim]:
    base, extended = pair
    if base.spec.get("pre_tokenizer") == extended.spec.get("pre_tokenizer"):
        return []

    def words(tokenizer: FastTokenizer, batch: Sequence[str]) -> list[list[tuple[str, tuple[int, int]]]]:
        cutter = tokenizer.rust.pre_tokenizer
        return [[(text, (0, 0))] if cutter is None else cutter.pre_tokenize_str(text) for text in batch]

    cases = ((text, a == b) for text, a, b in _both(pair, texts, words, lambda done: None))
    sentence = "The pre-tokenizer was changed, and cuts text without the new language as before."
    return [claim("pre-tokenizer", sentence, cases)]


def _same_ids(
    name: str, sentence: str, pair: _Pair, texts: Sequence[str], advance: _Advance, required: bool = True
) -> Claim:
    compared = _both(pair, texts, lambda tokenizer, batch: tokenizer.encode(batch), advance)
    return claim(name, sentence, ((text, a == b) for text, a, b in compared), required)


def _round_trips(pair: _Pair, texts: Sequence[str], advance: _Advance) -> list[Claim]:
    def there_and_back(tokenizer: FastTokenizer, batch: Sequence[str]) -> list[tuple[str, bool]]:
        ids = tokenizer.encode(batch)
        unknown = tokenizer.unknown_id
        decoded = tokenizer.rust.decode_batch(ids, skip_special_tokens=False)
        return [(text, unknown in row) for text, row in zip(decoded, ids, strict=True)]

    canonical = pair[0].canonical
    literals = [token["content"] for token in pair[1].spec["added_tokens"]]
    base_cases: list[tuple[str, bool]] = []
    cases: list[tuple[str, bool]] = []
    for text, (old, old_unknown), (new, new_unknown) in _both(pair, texts, there_and_back, advance):
        whole = old == text or canonical(old) == canonical(text)
        base_cases.append((text, whole))
        # Some bases normalise, or lack tokens for bytes they never met: an extension cannot mend that. What
        # the base lost to its unknown token counts where the extension has tokens for all of it.
        if whole or (old_unknown and not new_unknown and not any(literal in text for literal in literals)):
            cases.append((text, new == text or canonical(new) == canonical(text)))
    return [
        claim("round-trip", "Every text that its tokens can hold decodes to itself.", cases),
        claim("base-round-trip", "The base itself gives every text back whole.", base_cases, required=False),
    ]


def _known(pair: _Pair, texts: Sequence[str]) -> list[Claim]:
    base, extended = pair
    if not base.loses_text:
        return []
    ids = (
        row
        for start in range(0, len(texts), _BATCH)
        for row in extended.encode(texts[start : start + _BATCH])
    )
    cases = ((text, extended.unknown_id not in row) for text, row in zip(texts, ids, strict=True))
    return [claim("known", "Text in the new language holds no unknown token.", cases, required=False)]


def _both(
    pair: _Pair,
    texts: Sequence[str],
    run: Callable[[FastTokenizer, Sequence[str]], list[_Result]],
    advance: _Advance,
) -> Iterable[tuple[str, _Result, _Result]]:
    """Each text with what base and extension make of it."""
    base, extended = pair
    for start in range(0, len(texts), _BATCH):
        batch = texts[start : start + _BATCH]
        yield from zip(batch, run(base, batch), run(extended, batch), strict=True)
        advance(len(batch))


def _no_added_tokens(pair: _Pair) -> Claim:
    before = {token["content"] for token in pair[0].spec["added_tokens"]}
    new = [token for token in pair[1].spec["added_tokens"] if token["content"] not in before]
    cases = ((token["content"], bool(token.get("special"))) for token in new)
    return claim("added-tokens", "No new token is matched as a whole string before the text is cut.", cases)


def _new_ids(pair: _Pair) -> list[int]:
    base, extended = pair
    known = base.written.keys()
    return sorted(index for index in extended.token_bytes if index not in known)


def _reachable(pair: _Pair) -> Claim:
    extended = pair[1]
    cases = (
        (f"{extended.describe(index)} (id {index})", extended.reaches(index)) for index in _new_ids(pair)
    )
    return claim("reachable", "Every new token is what its own text is cut into.", cases)


def _used(pair: _Pair, texts: Sequence[str]) -> Claim:
    extended = pair[1]
    usage = extended.usage(texts)
    cases = ((extended.describe(index), bool(usage[index])) for index in _new_ids(pair))
    sentence = "Every new token occurs in the text in the new language."
    return claim("used", sentence, cases, required=False)
