"""vocabx evaluate."""
