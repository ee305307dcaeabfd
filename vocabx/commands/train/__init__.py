"""vocabx train."""
