"""vocabx inspect."""
