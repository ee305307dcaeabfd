"""vocabx doctor: finds what is wrong with an extended checkpoint, whoever made it, and repairs what it can.

Reads a directory leniently, reports each fault once, and writes a repaired copy. Rows are not moved or added.
"""
