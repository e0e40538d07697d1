"""From users' ratings to tensors."""
