"""The documentation site: its pages, and what writes the rest of it from the code."""
