"""vocabx export."""
