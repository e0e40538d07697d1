"""Image models: pretrained bodies, the head, and both as a classifier."""
