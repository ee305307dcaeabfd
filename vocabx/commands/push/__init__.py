"""vocabx push."""
