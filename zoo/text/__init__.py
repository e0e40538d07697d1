"""Texts: a language model, then a classifier on its encoder (ULMFiT)."""
