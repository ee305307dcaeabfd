"""The names of what is measured on two models, the same on terminal, page and card."""

TOKENS = "tokens"
CHARACTERS_PER_TOKEN = "characters per token"
UNKNOWN = "unknown tokens"
BITS = "bits per byte"
BITS_START = "bits per byte, first 1,000 bytes"
ENCODING = "characters encoded per second"
