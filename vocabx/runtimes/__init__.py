"""Other programs that read a directory's tokenizer, each asked in a process of its own."""
