"""Static word vectors: load them, train them, bring two languages into one space, lift them to tokens."""
