"""Networks over users and items."""
