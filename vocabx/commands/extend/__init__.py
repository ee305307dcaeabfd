"""vocabx extend."""
