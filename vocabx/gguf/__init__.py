"""A checkpoint of the Llama family as one .gguf file, for llama.cpp and what is built on it.

llama.cpp's own converter knows a pre-tokenizer by what it makes of one text, and so refuses every extended
vocabulary. Here it is known by what tokenizer.json says of it, which an extension leaves as it was.
"""
