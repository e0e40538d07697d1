"""From users' tables to tensors."""
