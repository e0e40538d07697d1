"""Named public data sets, fetched once, verified, and kept: `zoo.data.get("movielens-100k")`."""

from zoo.data.fetch import Row, available, get

__all__ = ["Row", "available", "get"]
