"""vocabx verify."""
