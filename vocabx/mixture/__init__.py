"""Mixtures: how new embeddings are made of old ones, as data. Knows no method and no file."""
