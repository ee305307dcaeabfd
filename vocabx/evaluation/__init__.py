"""Measurements on held-out text: length in tokens, encoding speed, bits per byte."""
