"""Models under a name: `zoo.hub.push(model, "user/name")`, `zoo.hub.pull("user/name")`."""

from typing import TYPE_CHECKING

from zoo.core.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from zoo.hub.catalog import Entry as Entry
    from zoo.hub.catalog import entries as entries
    from zoo.hub.fetch import pull as pull
    from zoo.hub.publish import push as push

__getattr__, __dir__ = lazy_exports(__name__)
__all__ = list(__dir__())
