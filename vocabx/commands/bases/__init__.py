"""vocabx bases."""
