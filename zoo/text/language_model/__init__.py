"""Language models: train them, fine-tune them, have them write."""
