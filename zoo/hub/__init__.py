"""Models under a name: `zoo.hub.push(model, "user/name")`, `zoo.hub.pull("user/name")`."""

from zoo.core.lazy_exports import stub_exports

__getattr__, __dir__, __all__ = stub_exports(__name__, __file__)
