"""From users' texts to batches of token numbers."""
