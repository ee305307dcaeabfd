"""`vocabx run`: a recipe from text to a finished model, step by step."""
