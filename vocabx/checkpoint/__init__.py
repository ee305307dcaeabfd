"""Checkpoints as files: where a base is, its tables, the grown copy, its manifest and card."""
