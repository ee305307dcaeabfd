"""A checkpoint in the files of other programs, checked with these programs themselves."""
