"""How settings were chosen: comparisons on training parts alone."""
