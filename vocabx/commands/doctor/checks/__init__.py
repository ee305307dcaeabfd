"""The checks of vocabx doctor, one kind of fault per file."""
