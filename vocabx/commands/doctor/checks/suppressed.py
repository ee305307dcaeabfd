"""Padding rows: ids that generation suppresses although they are tokens, and rows that no entry names.

A tool that counts the tokens of a tokenizer gives the next one the id after them. Where padding rows have no
names, that is the id of such a row: near no other embedding, and never generated.
"""

from dataclasses import replace

from vocabx.checkpoint.suppressed import KEY, suppressed_ids, suppressed_tokens
from vocabx.commands.doctor.checkpoint_files import CheckpointFiles
from vocabx.commands.doctor.finding import Finding, counted, first
from vocabx.errors import BaseModelError
from vocabx.tokenizer.sentencepiece_model import parse_model, with_pieces


def check_suppressed(files: CheckpointFiles) -> list[Finding]:
    """Find suppressed tokens, suppressed ids without a row, and suppressed rows without a name."""
    findings = []
    tokens, outside, unnamed = _tokens(files), _outside(files), _unnamed(files)
    if tokens and files.tokenizer is not None:
        sentence = (
            "Suppressed as padding, and so never generated, although they are tokens: "
            f"{counted(len(tokens), 'id')}."
        )
        examples = first(f"{files.tokenizer.id_to_piece[index]} (id {index})" for index in tokens)
        remedy = (
            "They are no longer suppressed. Their rows began as padding: train them, or copy the rows of "
            "tokens that mean the same."
        )
        findings.append(Finding("suppressed", "wrong", sentence, len(tokens), examples, remedy, True))
    if outside:
        sentence = (
            "Suppressed in generation_config.json without a row, so generating fails: "
            f"{counted(len(outside), 'id')}."
        )
        remedy = "They are no longer suppressed."
        findings.append(
            Finding(
                "suppressed-range", "fatal", sentence, len(outside), first(map(str, outside)), remedy, True
            )
        )
    if unnamed:
        sentence = (
            f"Padding rows without a name, on which the next added tokens land: {counted(unnamed, 'row')}."
        )
        remedy = "They get names that no text contains, so that tokens added later come behind them."
        findings.append(Finding("unnamed", "note", sentence, unnamed, remedy=remedy, repairable=True))
    return findings


def repair_suppressed(files: CheckpointFiles) -> CheckpointFiles:
    """The files without such ids in generation_config.json, and with names for all rows."""
    doomed = {*_tokens(files), *_outside(files)}
    tokenizer, unnamed = files.tokenizer, _unnamed(files)
    if unnamed and tokenizer is not None and files.weights is not None:
        rows = files.weights.input.rows
        tokenizer, model = tokenizer.padded(rows), files.model
        if model is not None:
            longer = with_pieces(parse_model(model), (), rows, tokenizer.spec["added_tokens"])
            model = longer.SerializeToString()
        files = files.rewritten(tokenizer, model)
    if doomed and files.generation:
        kept = [index for index in suppressed_ids(files.generation) if index not in doomed]
        rest = {key: value for key, value in files.generation.items() if key != KEY}
        files = replace(files, generation={**rest, **({KEY: kept} if kept else {})})
    return files


def _tokens(files: CheckpointFiles) -> tuple[int, ...]:
    if files.tokenizer is None or not files.generation:
        return ()
    try:
        return suppressed_tokens(files.directory, files.tokenizer, files.base_directory)
    except BaseModelError:
        return ()  # A damaged file is told elsewhere.


def _outside(files: CheckpointFiles) -> tuple[int, ...]:
    if files.weights is None:
        return ()
    rows = files.weights.input.rows
    return tuple(index for index in suppressed_ids(files.generation) if not 0 <= index < rows)


def _unnamed(files: CheckpointFiles) -> int:
    """How many rows after the last token are suppressed and have no name."""
    if files.tokenizer is None or files.weights is None:
        return 0
    rows = range(files.tokenizer.size, files.weights.input.rows)
    suppressed = set(suppressed_ids(files.generation))
    return len(rows) if rows and suppressed.issuperset(rows) else 0
