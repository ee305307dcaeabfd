"""How each runtime is asked. `worker` loads these files by their path, in whatever Python has the runtime.

They import nothing of vocabx. Each defines `load(directory)`, which returns `encode`, from a text to its ids
without a template, and `decode`, from ids to a text or its bytes with special tokens; either may be None.
"""
