"""Looking at photos, and at what a model makes of them."""
