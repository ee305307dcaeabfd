"""vocabx playground."""
