"""Small helpers that every layer may use. Holds nothing of a vocabulary, a model or a command."""
