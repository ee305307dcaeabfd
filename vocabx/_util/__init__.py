"""Small helpers that every layer may use, independent of vocabularies, models and commands."""
