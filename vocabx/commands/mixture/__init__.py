"""`vocabx mixture`: short trainings with several shares of replay, and what they say of others."""
