from zoo.hub.catalog import Entry as Entry
from zoo.hub.catalog import entries as entries
from zoo.hub.fetch import pull as pull
from zoo.hub.publish import push as push
