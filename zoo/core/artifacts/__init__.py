"""Saved models: JSON, safetensors and a card; never a pickle."""
