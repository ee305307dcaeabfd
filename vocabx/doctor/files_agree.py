"""A SentencePiece model and a tokenizer.json that say different things.

llama.cpp and the slow classes read the one, everything else the other. Pieces that only tokenizer.json adds
as whole strings are none of the model's business.
"""

from vocabx.doctor.finding import Finding, first
from vocabx.doctor.patient import Patient
from vocabx.doctor.probes import differing, hostile_texts, probe_texts
from vocabx.doctor.view import leads, names_of
from vocabx.errors import TokenizerError
from vocabx.tokenizer.sentencepiece_model import Kind, is_unused, model_of

# Control symbols and holders of places are renamed at will, and no text is cut into them.
_COMPARED = (Kind.NORMAL, Kind.BYTE)


def check_files_agree(patient: Patient) -> list[Finding]:
    """Compare the number of pieces, the piece at each id, and the cut of texts."""
    if patient.stated is None or patient.model is None:
        return []
    model_only, json_only = _pieces_apart(patient)
    remedy, mendable = _remedy(patient)
    name = patient.model_name
    if model_only or json_only:
        sentence = (
            f"{name} holds {len(patient.proto.pieces):,} pieces, {len(model_only):,} of them not so in "
            f"tokenizer.json; that holds {len(json_only):,} pieces which are not in {name}."
        )
        count = len({*model_only, *json_only})
        examples = first([*model_only, *json_only])
        return [Finding("files-pieces", "wrong", sentence, count, examples, remedy, mendable)]
    return _cut(patient, remedy, mendable)


def _cut(patient: Patient, remedy: str, mendable: bool) -> list[Finding]:
    """Compare the cut of texts made of pieces, and where that is the same, of texts that nobody writes."""
    assert patient.stated is not None
    both = ((probe_texts(patient), "made of their pieces"), (hostile_texts(patient), "that nobody writes"))
    for texts, kind in both:
        differ = differing(patient, patient.stated, texts)
        if not differ:
            continue
        share = f"{len(differ):,} of {len(texts):,} texts {kind}"
        sentence = f"{patient.model_name} and tokenizer.json cut {share} differently."
        examples = first(repr(text) for text in sorted(differ, key=len))
        if kind == both[0][1]:
            return [Finding("files-cut", "wrong", sentence, len(differ), examples, remedy, mendable)]
        return [Finding("files-cut", "note", sentence, len(differ), examples)]
    return []


def mend_files_agree(patient: Patient) -> Patient:
    """The patient with tokenizer.json and the model both as the tokenizer that leads.

    Raises:
        TokenizerError: that is tokenizer.json, and no SentencePiece model can do what it does.
    """
    tokenizer = patient.tokenizer
    if tokenizer is None:
        return patient
    if patient.model is None or leads(patient.proto, tokenizer):
        return patient.rewritten(tokenizer, patient.model)
    spec = tokenizer.spec
    if spec["model"].get("unk_token") is None and "<unk>" in tokenizer.vocabulary:
        # transformers 5 leaves it out; the model must have one.
        spec = {**spec, "model": {**spec["model"], "unk_token": "<unk>"}}
    return patient.rewritten(tokenizer, model_of(spec).SerializeToString())


def _pieces_apart(patient: Patient) -> tuple[list[str], list[str]]:
    """The pieces of the model that tokenizer.json has not at their id, and the other way round."""
    assert patient.stated is not None
    pieces = patient.stated.pieces()
    known = {name for piece in patient.proto.pieces for name in names_of(piece.piece)}
    model_only = [
        f"{piece.piece} (id {index})"
        for index, piece in enumerate(patient.proto.pieces)
        if piece.type in _COMPARED and index not in map(pieces.get, names_of(piece.piece))
    ]
    added = {token["content"] for token in patient.stated.spec["added_tokens"]}
    json_only = [
        f"{piece} (id {index})"
        for piece, index in pieces.items()
        if piece not in known and piece not in added and not is_unused(piece)
    ]
    return model_only, json_only


def _remedy(patient: Patient) -> tuple[str, bool]:
    if patient.led_by_model:
        return "tokenizer.json is made anew from the SentencePiece model.", True
    try:
        mend_files_agree(patient)
    except TokenizerError as error:
        return f"Remove {patient.model_name}: {error}.", False
    return f"{patient.model_name} is made anew from tokenizer.json, which holds more pieces.", True
