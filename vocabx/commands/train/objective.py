"""What a run is trained to predict, checked before the work: next tokens, masked tokens, or masked spans."""

from pathlib import Path

from vocabx.checkpoint.objective import Objective, objective_of
from vocabx.checkpoint.tables import Checkpoint
from vocabx.commands.train.options import TrainOptions
from vocabx.corpus.languages import Language
from vocabx.corpus.translations import translations_in
from vocabx.errors import TrainingError
from vocabx.evaluation.measure import context_of_checkpoint
from vocabx.evaluation.units import segmentation_of
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.training.hiding import hidden_from
from vocabx.training.masked_head import require_head
from vocabx.vectors.tagged_words import has_tagger


def check_objective(
    options: TrainOptions, checkpoint: Checkpoint, tokenizer: FastTokenizer, language: Language
) -> Objective:
    """What the model predicts; refuses options that are about another kind of model.

    Args:
        options: of the run, with defaults filled in.
        checkpoint: what is trained.
        tokenizer: its tokenizer.
        language: of the new tokens.

    Raises:
        VocabxError: an option does not fit, the head or the mask token is missing, there is no tagger, or the
            file of pairs is damaged or has its columns exchanged.
    """
    directory, objective = options.directory, objective_of(checkpoint.config)
    hiding = [
        *(["--mask entities"] if options.mask == "entities" else []),
        *(["--pairs"] if options.pairs else []),
    ]
    if objective == "causal":
        if hiding:
            raise TrainingError(
                f"{hiding[0]} is about tokens that are hidden from an encoder, and {directory} predicts the "
                "next one: omit it"
            )
        return objective
    require_head(checkpoint)
    if options.align_weight:
        raise TrainingError(
            f"--align-weight is for models that predict the next token, and {directory} does not: omit it"
        )
    if objective == "spans" and hiding:
        raise TrainingError(
            f"{hiding[0]} is about masked tokens of an encoder, and {directory} is an encoder-decoder, which "
            "fills in spans: omit it"
        )
    hidden_from(objective, tokenizer, directory, checkpoint.input.rows, options.seed)
    context = context_of_checkpoint(checkpoint)
    if (options.sequence_length or 0) > context:
        raise TrainingError(
            f"--sequence-length is {options.sequence_length:,}, and {directory} reads {context:,} tokens at "
            f"most: pass {context} or less"
        )
    if options.mask == "entities" and not has_tagger(segmentation_of(language)):
        raise TrainingError(
            f"--mask entities needs a part-of-speech tagger of {language.name}, and vocabx only has one of "
            "Chinese (jieba): pass --mask words"
        )
    if options.pairs:
        for _ in translations_in(Path(options.pairs), language.scripts):
            pass
    return objective
