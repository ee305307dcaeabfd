"""Reads, cleans and samples text. Independent of tokenizers."""
