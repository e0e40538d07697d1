"""Models on a hub: directories that come and go under a name, `zoo.hub.pull("user/name")`."""

from zoo.hub.fetch import pull

__all__ = ["pull"]
