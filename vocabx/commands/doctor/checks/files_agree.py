"""A SentencePiece model and a tokenizer.json that say different things.

llama.cpp and the slow classes read the one, everything else the other. Pieces that only tokenizer.json adds
as whole strings are none of the model's business.
"""

from vocabx.commands.doctor.checkpoint_files import CheckpointFiles
from vocabx.commands.doctor.finding import Finding, first
from vocabx.commands.doctor.probes import adversarial_texts, differing, probe_texts
from vocabx.commands.doctor.view import leads, names_of
from vocabx.errors import TokenizerError
from vocabx.tokenizer.sentencepiece_model import Kind, is_unused, model_of

# Control symbols and holders of places are renamed at will, and no text is cut into them.
_COMPARED = (Kind.NORMAL, Kind.BYTE)


def check_files_agree(files: CheckpointFiles) -> list[Finding]:
    """Compare the number of pieces, the piece at each id, and the cut of texts."""
    if files.stated is None or files.model is None:
        return []
    model_only, json_only = _pieces_apart(files)
    remedy, repairable = _remedy(files)
    name = files.model_name
    if model_only or json_only:
        sentence = (
            f"{name} holds {len(files.proto.pieces):,} pieces, {len(model_only):,} of them not so in "
            f"tokenizer.json; that holds {len(json_only):,} pieces which are not in {name}."
        )
        count = len({*model_only, *json_only})
        examples = first([*model_only, *json_only])
        return [Finding("files-pieces", "wrong", sentence, count, examples, remedy, repairable)]
    return _cut(files, remedy, repairable)


def _cut(files: CheckpointFiles, remedy: str, repairable: bool) -> list[Finding]:
    """Compare the cut of texts made of pieces, and where that is the same, of texts that nobody writes."""
    assert files.stated is not None
    both = ((probe_texts(files), "made of their pieces"), (adversarial_texts(files), "that nobody writes"))
    for texts, kind in both:
        differ = differing(files, files.stated, texts)
        if not differ:
            continue
        share = f"{len(differ):,} of {len(texts):,} texts {kind}"
        sentence = f"{files.model_name} and tokenizer.json cut {share} differently."
        examples = first(repr(text) for text in sorted(differ, key=len))
        if kind == both[0][1]:
            return [Finding("files-cut", "wrong", sentence, len(differ), examples, remedy, repairable)]
        return [Finding("files-cut", "note", sentence, len(differ), examples)]
    return []


def repair_files_agree(files: CheckpointFiles) -> CheckpointFiles:
    """The patient with tokenizer.json and the model both as the tokenizer that leads.

    Raises:
        TokenizerError: that is tokenizer.json, and no SentencePiece model can do what it does.
    """
    tokenizer = files.tokenizer
    if tokenizer is None:
        return files
    if files.model is None or leads(files.proto, tokenizer):
        return files.rewritten(tokenizer, files.model)
    spec = tokenizer.spec
    if spec["model"].get("unk_token") is None and "<unk>" in tokenizer.vocabulary:
        # transformers 5 leaves it out; the model must have one.
        spec = {**spec, "model": {**spec["model"], "unk_token": "<unk>"}}
    return files.rewritten(tokenizer, model_of(spec).SerializeToString())


def _pieces_apart(files: CheckpointFiles) -> tuple[list[str], list[str]]:
    """The pieces of the model that tokenizer.json has not at their id, and the other way round."""
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
        return "tokenizer.json is made anew from the SentencePiece model.", True
    try:
        repair_files_agree(files)
    except TokenizerError as error:
        return f"Remove {files.model_name}: {error}.", False
    return f"{files.model_name} is made anew from tokenizer.json, which holds more pieces.", True
