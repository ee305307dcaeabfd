"""The vocabulary of a .gguf file: one token per row, and the special tokens that llama.cpp adds to a text.

Four of llama.cpp's tokenizer models are used here: "gpt2", with merges over the byte-level alphabet,
"llama", with the scores of SentencePiece, "t5", Unigram, and "bert", WordPiece. llama.cpp matches every
listed token in a text, even unused ones, so a row without a token gets a name that no text can produce.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from vocabx._util.links import files_in
from vocabx.checkpoint.grow import read_generation_config
from vocabx.checkpoint.side_files import TEMPLATES
from vocabx.errors import BaseModelError, TokenizerError
from vocabx.gguf.components import parts_of
from vocabx.gguf.pretokenizers import name_of
from vocabx.gguf.unigram import unigram_pieces, unigram_settings
from vocabx.tokenizer.families.byte_level import ByteLevelTokenizer
from vocabx.tokenizer.families.sentencepiece_bpe import SentencePieceTokenizer
from vocabx.tokenizer.families.unigram import UnigramTokenizer
from vocabx.tokenizer.families.word_marks import MarkedByteLevelTokenizer
from vocabx.tokenizer.families.wordpiece import WordPieceTokenizer
from vocabx.tokenizer.fast import MODEL_NAME, FastTokenizer
from vocabx.tokenizer.roles import roles_of
from vocabx.tokenizer.sentencepiece_model import SPACE, Kind, is_unused, parse_model
from vocabx.tokenizer.settings import read_config

_ROLE_KEYS = {"bos": "bos", "eos": "eos", "unk": "unknown", "pad": "padding"}
# WordPiece has others; llama.cpp spells one of them so.
_WORDPIECE_KEYS = {"bos": "bos", "sep": "seperator", "mask": "mask", "unk": "unknown", "pad": "padding"}
_TEMPLATE = "tokenizer.chat_template"
# The score of a piece that is never produced by its score.
_NO_SCORE = -1e9


@dataclass(frozen=True)
class Vocabulary:
    """A tokenizer in the form of a .gguf file.

    Attributes:
        model: "gpt2", "llama", "t5" or "bert".
        pretokenizer: llama.cpp's name of the pre-tokenizer; "default" for the others, which have none.
        tokens: one token per row.
        kinds: the type of each.
        scores: the score of each; only of "llama" and "t5".
        merges: "left right" by rank; only of "gpt2".
        roles: ids of special tokens by role, such as "bos".
        begins, ends: whether bos is added before each text, and eos after it.
        space_first: whether a space is added before each text.
        templates: chat templates by name, the default one under "".
        others: keys and values that only its model has.
        differences: sentences about how llama.cpp differs from the tokenizer.
    """

    model: str
    pretokenizer: str
    tokens: tuple[str, ...]
    kinds: tuple[Kind, ...]
    scores: tuple[float, ...]
    merges: tuple[str, ...]
    roles: dict[str, int]
    begins: bool
    ends: bool
    space_first: bool
    templates: dict[str, str]
    others: dict[str, Any]
    differences: tuple[str, ...]

    def values(self) -> dict[str, Any]:
        """The keys and values of the file, in their order, without empty lists."""
        values: dict[str, Any] = {
            "tokenizer.ggml.model": self.model,
            "tokenizer.ggml.pre": self.pretokenizer,
            "tokenizer.ggml.tokens": list(self.tokens),
            "tokenizer.ggml.token_type": [int(kind) for kind in self.kinds],
        }
        if self.scores:
            values["tokenizer.ggml.scores"] = list(self.scores)
        if self.merges:
            values["tokenizer.ggml.merges"] = list(self.merges)
        for role, key in _keys(self.model).items():
            if role in self.roles:
                values[f"tokenizer.ggml.{key}_token_id"] = self.roles[role]
        values["tokenizer.ggml.add_bos_token"] = self.begins
        values[f"tokenizer.ggml.add_{'sep' if self.model == 'bert' else 'eos'}_token"] = self.ends
        values["tokenizer.ggml.add_space_prefix"] = self.space_first
        values |= self.others
        named = {name: text for name, text in self.templates.items() if name}
        if named:
            values["tokenizer.chat_templates"] = list(named)
        for name, text in self.templates.items():
            values[f"{_TEMPLATE}.{name}" if name else _TEMPLATE] = text
        return values


@dataclass(frozen=True)
class _Listed:
    """The tokens and types of a tokenizer by id, with its scores or merges."""

    model: str
    pretokenizer: str
    tokens: dict[int, str]
    kinds: dict[int, Kind]
    scores: dict[int, float]
    merges: tuple[str, ...]
    space_first: bool
    others: dict[str, Any] = field(default_factory=dict)


def vocabulary_of(
    tokenizer: FastTokenizer, directory: Path, config: dict[str, Any], rows: int, pretokenizer: str = ""
) -> Vocabulary:
    """Convert the tokenizer of a checkpoint to the form of a .gguf file.

    Args:
        tokenizer: the tokenizer of `directory`.
        directory: the checkpoint, for the roles of special tokens and the chat templates.
        config: the parsed config.json, for roles that the tokenizer does not define.
        rows: number of rows of the embedding matrix.
        pretokenizer: llama.cpp's name of the pre-tokenizer, "" to detect it.

    Raises:
        TokenizerError: if the tokenizer has no counterpart in llama.cpp, its files disagree, or it has more
            tokens than there are rows.
    """
    if tokenizer.size > rows:
        raise TokenizerError(
            f"{directory}: the tokenizer has ids up to {tokenizer.size - 1:,}, but there are {rows:,} rows: "
            "it belongs to another model; `vocabx doctor` says more"
        )
    listed = _with_added(_listed(tokenizer, directory, pretokenizer), tokenizer.spec["added_tokens"])
    roles = _roles(tokenizer, directory, config, rows, _keys(listed.model))
    before, after = _around(tokenizer)
    last = roles.get("sep" if listed.model == "bert" else "eos")
    if len(before) > 1 or len(after) > 1 or (after and after[0] != last):
        raise TokenizerError(
            f"{directory}: the tokenizer adds {len(before)} tokens before a text and {len(after)} after it; "
            "llama.cpp can only add one bos token and one eos token: change the post_processor in "
            "tokenizer.json"
        )
    kinds = (listed.kinds.get(i, Kind.NORMAL if i in listed.tokens else Kind.UNUSED) for i in range(rows))
    scored = listed.model in ("llama", "t5")
    return Vocabulary(
        model=listed.model,
        pretokenizer=listed.pretokenizer,
        tokens=tuple(_filled(listed.tokens, rows)),
        kinds=tuple(kinds),
        scores=tuple(listed.scores.get(i, _NO_SCORE) for i in range(rows)) if scored else (),
        merges=listed.merges,
        roles={**roles, "bos": before[0]} if before else roles,
        begins=bool(before),
        ends=bool(after),
        space_first=listed.space_first,
        templates=_templates(directory),
        others=listed.others,
        differences=tuple(_differences(tokenizer.spec, listed.model)),
    )


def _listed(tokenizer: FastTokenizer, directory: Path, pretokenizer: str) -> _Listed:
    marked = isinstance(tokenizer, MarkedByteLevelTokenizer)
    if isinstance(tokenizer, ByteLevelTokenizer) and not marked:
        merges = tuple(rule if isinstance(rule, str) else " ".join(rule) for rule in tokenizer.rules())
        name = pretokenizer or name_of(tokenizer.spec)
        tokens = {index: piece for index, piece in tokenizer.id_to_piece.items() if not is_unused(piece)}
        return _Listed("gpt2", name, tokens, {}, {}, merges, False)
    if not isinstance(tokenizer, SentencePieceTokenizer | UnigramTokenizer | WordPieceTokenizer):
        raise TokenizerError(
            "vocabx writes byte-level BPE, SentencePiece, Unigram and WordPiece for llama.cpp, and "
            f"{directory} has a {tokenizer.family} tokenizer"
        )
    if pretokenizer:
        raise TokenizerError(
            f"a {tokenizer.family} tokenizer has no pre-tokenizer of llama.cpp's: omit --pre"
        )
    if isinstance(tokenizer, WordPieceTokenizer):
        return _Listed("bert", "default", _words(tokenizer), {}, {}, (), False)
    if isinstance(tokenizer, UnigramTokenizer):
        settings = unigram_settings(tokenizer.spec)
        return _Listed("t5", "default", *unigram_pieces(tokenizer), (), True, settings)
    space_first = _space_first(tokenizer.spec)
    if MODEL_NAME not in tokenizer.companions():
        raise TokenizerError(
            f"no SentencePiece model expresses the tokenizer of {directory}, so neither does a GGUF file: "
            "serve it where tokenizer.json is read"
        )
    tokens, kinds, scores = _pieces(tokenizer, directory)
    return _Listed("llama", "default", tokens, kinds, scores, (), space_first)


def _words(tokenizer: WordPieceTokenizer) -> dict[int, str]:
    """The pieces by id as llama.cpp matches them: a mark where a word begins, and none inside it.

    Raises:
        TokenizerError: llama.cpp would normalize text otherwise.
    """
    normal, split = tokenizer.spec.get("normalizer") or {}, tokenizer.spec.get("pre_tokenizer") or {}
    kept = not (normal.get("lowercase") and normal.get("strip_accents") is not False)
    if (
        kept
        or (normal.get("type"), split.get("type")) != ("BertNormalizer", "BertPreTokenizer")
        or not (normal.get("clean_text") and normal.get("handle_chinese_chars"))
        or tokenizer.prefix != "##"
    ):
        raise TokenizerError(
            "llama.cpp reads WordPiece as uncased BERT does: it lowercases text, strips accents and splits "
            f"off Chinese characters. This tokenizer {'keeps case or accents' if kept else 'does not'}: "
            "serve it with transformers or text-embeddings-inference"
        )
    return {
        index: piece[2:] if piece.startswith("##") and len(piece) > 2 else SPACE + piece
        for index, piece in tokenizer.id_to_piece.items()
        if not is_unused(piece)
    }


def _with_added(listed: _Listed, added: list[dict[str, Any]]) -> _Listed:
    """The list with the added tokens of tokenizer.json, typed as in that file."""
    tokens, kinds = dict(listed.tokens), dict(listed.kinds)
    for token in added:
        index, content = token["id"], token["content"]
        if kinds.get(index) is not Kind.UNKNOWN:
            kinds[index] = Kind.CONTROL if token["special"] else Kind.USER_DEFINED
            tokens[index] = _as_matched(content, kinds[index]) if listed.model == "llama" else content
    return replace(listed, tokens=tokens, kinds=kinds)


def _pieces(
    tokenizer: SentencePieceTokenizer, directory: Path
) -> tuple[dict[int, str], dict[int, Kind], dict[int, float]]:
    """Piece, type and score by id, from the .model next to tokenizer.json, or from the one it implies."""
    pieces = parse_model(tokenizer.companions()[MODEL_NAME]).pieces
    in_model = {index: piece.piece for index, piece in enumerate(pieces) if not is_unused(piece.piece)}
    for piece, index in tokenizer.vocabulary.items():
        if is_unused(piece) or index in tokenizer.added_ids:
            continue
        # Gemma's tab is a piece in tokenizer.json, and a byte in the model: the same text becomes its id.
        if in_model.get(index) not in (piece, _as_byte(piece)):
            raise TokenizerError(
                f"{directory}: tokenizer.json says that {index} is {piece!r} and {MODEL_NAME} that it is "
                f"{in_model.get(index)!r}: `vocabx doctor --out` can make one of the other"
            )
    # llama.cpp merges two pieces into any third, even an unused one: only its name can prevent that.
    used = {
        index: _as_matched(text, pieces[index].type)
        for index, text in in_model.items()
        if index in tokenizer.id_to_piece and pieces[index].type != Kind.UNUSED
    }
    kinds = {index: Kind(pieces[index].type) for index in used}
    return used, kinds, {index: float(pieces[index].score) for index in used}


def _as_byte(piece: str) -> str:
    """The byte piece of an ASCII character; what is no such character stays."""
    return f"<0x{ord(piece):02X}>" if len(piece) == 1 and piece.isascii() else piece


def _as_matched(piece: str, kind: int) -> str:
    """A piece as llama.cpp matches it: user-defined pieces are matched before spaces are replaced."""
    return piece.replace(SPACE, " ") if kind == Kind.USER_DEFINED else piece


def _space_first(spec: dict[str, Any]) -> bool:
    """Whether the tokenizer adds a space before a text, if llama.cpp supports everything else it does.

    Raises:
        TokenizerError: if llama.cpp does not.
    """
    first = False
    for part in (*parts_of(spec.get("normalizer")), *parts_of(spec.get("pre_tokenizer"))):
        match part:
            case {"type": "Prepend", "prepend": "▁"}:
                first = True
            case {"type": "Metaspace", "split": False, **rest}:
                first |= rest.get("prepend_scheme", "always") != "never"
            case {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}:
                pass
            case {"type": "Split", "pattern": {"String": " "}}:
                pass  # Gemma's, which has no effect, since no space is left.
            case _:
                raise TokenizerError(
                    f"llama.cpp does not support the tokenizer's {part.get('type')} and would tokenize text "
                    "differently"
                )
    return first


def _differences(spec: dict[str, Any], model: str) -> Iterator[str]:
    if model == "bert":
        yield (
            "llama.cpp neither decomposes Hangul nor removes marks that stand alone (Devanagari, Thai), and "
            "has no limit on the length of a word: it tokenizes these differently, also for the base."
        )
    if model == "t5":
        yield (
            "llama.cpp takes U+0085 for a character and not for white space, and normalizes marks that stand "
            "apart from their letter on their own: it tokenizes these differently, also for the base."
        )
    parts = [*parts_of(spec.get("normalizer")), *parts_of(spec.get("pre_tokenizer"))]
    if any(part.get("type") == "NFC" for part in parts):
        yield "llama.cpp does not compose characters (NFC): pass it composed text."
    if model != "t5" and any(part.get("type") == "Metaspace" for part in parts):
        yield (
            "llama.cpp also adds a space before a text that begins with one, and after special tokens: it "
            "tokenizes these differently, also for the base."
        )
    if any(token.get("lstrip") or token.get("rstrip") for token in spec["added_tokens"]):
        yield "llama.cpp keeps the spaces around special tokens, which the tokenizer removes."


def _keys(model: str) -> dict[str, str]:
    """llama.cpp's name of each role of a special token."""
    return _WORDPIECE_KEYS if model == "bert" else _ROLE_KEYS


def _roles(
    tokenizer: FastTokenizer, directory: Path, config: dict[str, Any], rows: int, keys: Collection[str]
) -> dict[str, int]:
    """Ids of special tokens from the tokenizer, else from the configuration."""
    roles = {role: index for role, index in roles_of(tokenizer, directory).items() if role in keys}
    for role in keys:
        index = config.get(f"{role}_token_id")
        index = index[0] if isinstance(index, list) and index else index
        if type(index) is int and 0 <= index < rows:
            roles.setdefault(role, index)
    return roles


def _around(tokenizer: FastTokenizer) -> tuple[list[int], list[int]]:
    """The ids that the tokenizer adds before and after a text."""
    encoding = tokenizer.rust.encode("a", add_special_tokens=True)
    special = encoding.special_tokens_mask
    start = next((place for place, added in enumerate(special) if not added), len(special))
    end = start + sum(not added for added in special)
    return encoding.ids[:start], encoding.ids[end:]


def _filled(by_id: dict[int, str], rows: int) -> Iterator[str]:
    """One token per row: llama.cpp requires that, without duplicates."""
    taken = set(by_id.values())
    for index in range(rows):
        text = by_id.get(index, f"[PAD{index}]")
        while index not in by_id and text in taken:
            text = f"[{text}]"
        yield text


def _templates(directory: Path) -> dict[str, str]:
    """The chat templates by name, the default one under ""."""
    found: dict[str, str] = {}
    stated = read_config(directory).get("chat_template")
    if isinstance(stated, str):
        found[""] = stated
    elif isinstance(stated, list):
        found.update((entry["name"], entry["template"]) for entry in stated)
        found |= {"": found.pop("default")} if "default" in found else {}
    path = directory / "chat_template.jinja"
    if path.is_file():
        found[""] = path.read_text(encoding="utf-8")
    folder = directory / TEMPLATES
    for path in files_in(directory, folder, BaseModelError) if folder.is_dir() else ():
        if path.suffix == ".jinja":
            found[path.stem] = path.read_text(encoding="utf-8")
    return dict(sorted(found.items()))


def suppressed(directory: Path, rows: int) -> list[int]:
    """Ids that generation_config.json suppresses, such as those of padding rows."""
    ids: list[int] = (read_generation_config(directory) or {}).get("suppress_tokens") or []
    return [index for index in ids if 0 <= index < rows]
