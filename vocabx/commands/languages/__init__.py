"""vocabx languages."""
