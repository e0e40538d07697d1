"""Classifiers of texts on a language model's encoder."""
