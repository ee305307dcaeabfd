"""vocabx compare."""
