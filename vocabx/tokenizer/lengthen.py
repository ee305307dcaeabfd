"""A SentencePiece model with more pieces: the base's own file as it is, and new pieces after its own."""

from collections.abc import Iterable

from vocabx.extras import need
from vocabx.tokenizer.sentencepiece_model import Kind

_UNUSED = "<vocabx-unused-"


def unused_piece(index: int) -> str:
    """What holds the place of an id that belongs to no token, where ids are places."""
    return f"{_UNUSED}{index}>"


def is_unused(piece: str) -> bool:
    """Whether a piece only holds a place."""
    return piece.startswith(_UNUSED)


def lengthened(model: bytes, added: Iterable[tuple[str, int, float]]) -> bytes:
    """Return the .model file `model` with the pieces `added`, each with its id and score, ids ascending.

    Ids between the last piece of the file and the first new one get pieces that are never used.
    """
    proto = need("sentencepiece.sentencepiece_model_pb2", "sentencepiece").ModelProto.FromString(model)
    for piece, index, score in added:
        for hole in range(len(proto.pieces), index):
            proto.pieces.add(piece=unused_piece(hole), score=0.0, type=Kind.UNUSED)
        proto.pieces.add(piece=piece, score=score, type=Kind.NORMAL)
    proto.trainer_spec.vocab_size = len(proto.pieces)
    data: bytes = proto.SerializeToString()
    return data
