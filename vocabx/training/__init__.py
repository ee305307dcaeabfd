"""Continued pretraining of an extended model."""
