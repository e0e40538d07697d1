"""Networks for tables as scikit-learn estimators."""
