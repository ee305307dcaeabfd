"""What vocabx doctor looks for, one fault a file."""
