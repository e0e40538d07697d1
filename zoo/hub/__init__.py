"""Models under a name: `zoo.hub.push(model, "user/name")`, `zoo.hub.pull("user/name")`."""

from zoo.hub.catalog import Entry
from zoo.hub.catalog import entries as list
from zoo.hub.fetch import pull
from zoo.hub.publish import push

__all__ = ["Entry", "list", "pull", "push"]
