"""A SentencePiece model and a tokenizer.json that contradict each other.

llama.cpp and the slow tokenizer classes read the former, everything else the latter. Added tokens that only
tokenizer.json has are no contradiction.
"""

from vocabx.commands.doctor.checkpoint_files import CheckpointFiles
from vocabx.commands.doctor.finding import Finding, first
from vocabx.commands.doctor.probes import adversarial_texts, differing, probe_texts
from vocabx.commands.doctor.view import leads, names_of
from vocabx.errors import TokenizerError
from vocabx.tokenizer.sentencepiece_model import Kind, is_unused, model_of

# Control symbols and placeholders may be renamed freely, since no text is tokenized into them.
_COMPARED = (Kind.NORMAL, Kind.BYTE)


def check_files_agree(files: CheckpointFiles) -> list[Finding]:
    """Compare the number of pieces, the piece at each id, and the tokenization of texts."""
    if files.stated is None or files.model is None:
        return []
    model_only, json_only = _pieces_apart(files)
    remedy, repairable = _remedy(files)
    name = files.model_name
    if model_only or json_only:
        sentence = (
            f"{name} holds {len(files.proto.pieces):,} pieces, {len(model_only):,} of them missing from "
            f"tokenizer.json or under another id; tokenizer.json holds {len(json_only):,} pieces that are "
            f"not in {name}."
        )
        count = len({*model_only, *json_only})
        examples = first([*model_only, *json_only])
        return [Finding("files-pieces", "wrong", sentence, count, examples, remedy, repairable)]
    return _compare_tokenization(files, remedy, repairable)


def _compare_tokenization(files: CheckpointFiles, remedy: str, repairable: bool) -> list[Finding]:
    """Compare the tokenization of texts made of pieces and, if that agrees, of adversarial strings."""
    assert files.stated is not None
    both = (
        (probe_texts(files), "texts made of their pieces"),
        (adversarial_texts(files), "adversarial strings"),
    )
    for texts, kind in both:
        differ = differing(files, files.stated, texts)
        if not differ:
            continue
        share = f"{len(differ):,} of {len(texts):,} {kind}"
        sentence = f"{files.model_name} and tokenizer.json tokenize {share} differently."
        examples = first(repr(text) for text in sorted(differ, key=len))
        if kind == both[0][1]:
            return [
                Finding("files-tokenization", "wrong", sentence, len(differ), examples, remedy, repairable)
            ]
        return [Finding("files-tokenization", "note", sentence, len(differ), examples)]
    return []


def repair_files_agree(files: CheckpointFiles) -> CheckpointFiles:
    """The files with tokenizer.json and the model both made from the tokenizer that takes precedence.

    Raises:
        TokenizerError: if that is tokenizer.json, and no SentencePiece model can represent it.
    """
    tokenizer = files.tokenizer
    if tokenizer is None:
        return files
    if files.model is None or leads(files.proto, tokenizer):
        return files.rewritten(tokenizer, files.model)
    spec = tokenizer.spec
    if spec["model"].get("unk_token") is None and "<unk>" in tokenizer.vocabulary:
        # transformers 5 omits it, but the model must have one.
        spec = {**spec, "model": {**spec["model"], "unk_token": "<unk>"}}
    return files.rewritten(tokenizer, model_of(spec).SerializeToString())


def _pieces_apart(files: CheckpointFiles) -> tuple[list[str], list[str]]:
    """The pieces of the model that tokenizer.json does not have at their id, and vice versa."""
    assert files.stated is not None
    pieces = files.stated.pieces()
    known = {name for piece in files.proto.pieces for name in names_of(piece.piece)}
    model_only = [
        f"{piece.piece} (id {index})"
        for index, piece in enumerate(files.proto.pieces)
        if piece.type in _COMPARED and index not in map(pieces.get, names_of(piece.piece))
    ]
    added = {token["content"] for token in files.stated.spec["added_tokens"]}
    json_only = [
        f"{piece} (id {index})"
        for piece, index in pieces.items()
        if piece not in known and piece not in added and not is_unused(piece)
    ]
    return model_only, json_only


def _remedy(files: CheckpointFiles) -> tuple[str, bool]:
    if files.led_by_model:
        return "tokenizer.json is regenerated from the SentencePiece model.", True
    try:
        repair_files_agree(files)
    except TokenizerError as error:
        return f"Remove {files.model_name}: {error}.", False
    return f"{files.model_name} is regenerated from tokenizer.json, which holds more pieces.", True
