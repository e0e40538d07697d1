"""One program for each published number; its docstring is the claim."""
