"""Tokenizers: read, learn new merges, select, extend, verify, write. Independent of models and embeddings."""
