"""Tokenizers: read, learn new merges, select, extend, verify, write. Knows nothing of models or tables."""
