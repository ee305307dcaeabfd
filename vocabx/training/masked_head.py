"""Whether a stored encoder, or encoder-decoder, has what it needs to predict the tokens hidden from it."""

from vocabx._util.extras import need
from vocabx._util.loading import build_auto, load_auto
from vocabx._util.quiet import quiet_transformers
from vocabx.checkpoint.objective import AUTO, objective_of
from vocabx.checkpoint.tables import Checkpoint
from vocabx.errors import BaseModelError
from vocabx.training.stored import stored_tensor


def require_head(checkpoint: Checkpoint) -> None:
    """Check that every parameter of the class with an lm_head is stored, which transformers would else draw.

    Encoders are often saved without the head that predicts masked tokens, as sentence encoders are.

    Raises:
        BaseModelError: one is missing, or the model is multimodal; the message names it.
        MissingPackageError: torch or transformers is not installed.
    """
    directory, objective = checkpoint.directory, objective_of(checkpoint.config)
    if objective == "causal":
        return
    torch = need("torch", "evaluate")
    with quiet_transformers("evaluate"), torch.device("meta"):
        config = load_auto("AutoConfig", directory, "evaluate")
        model = build_auto(AUTO[objective], config, directory, "evaluate")
    names: dict[int, list[str]] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        names.setdefault(id(parameter), []).append(name)
    tied: dict[str, str] = getattr(model, "all_tied_weights_keys", None) or {}
    for together in names.values():
        others = [source for name in together for source in (tied.get(name),) if source]
        others += [target for target, source in tied.items() if source in together]
        if all(stored_tensor(checkpoint, name) is None for name in (*together, *others)):
            raise BaseModelError(
                f"{directory} holds an encoder without the head that predicts masked tokens ({together[0]} "
                f"is not stored): pass one saved by {AUTO[objective]} of transformers"
            )
