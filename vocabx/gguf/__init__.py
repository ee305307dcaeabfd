"""A checkpoint as one .gguf file, for llama.cpp and programs built on it.

llama.cpp's own converter identifies a pre-tokenizer by the ids of one text, and so refuses every extended
vocabulary. Here it is identified by tokenizer.json, in which an extension leaves it unchanged.
"""
