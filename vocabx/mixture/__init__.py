"""Mixtures: how new embeddings are computed from old ones, as data. Independent of initializers and files."""
