"""vocabx merge."""
