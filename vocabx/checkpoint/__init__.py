"""Checkpoints as files: finding a base, its embedding matrices, the extended copy, its manifest."""
