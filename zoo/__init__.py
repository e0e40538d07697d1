"""A multi-domain transfer-learning model zoo."""

__version__ = "0.1.0"
