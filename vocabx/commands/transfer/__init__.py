"""vocabx transfer."""
