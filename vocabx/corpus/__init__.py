"""Text in, cleaned and sampled text out. Knows nothing of tokens."""
