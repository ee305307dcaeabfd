"""`vocabx init-recipe`: write a commented recipe."""
