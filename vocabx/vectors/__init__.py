"""Static word vectors: load, train, align two languages in one space, and lift from words to tokens."""
