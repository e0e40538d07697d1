"""What judges a model, once for all domains: folds, rivals and blends."""
