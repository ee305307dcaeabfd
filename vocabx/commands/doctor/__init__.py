"""The doctor: what is wrong with an extended checkpoint that somebody else made, and what can be mended.

Reads a directory leniently, names each fault once, and writes a mended copy. Moves no row, makes none.
"""
