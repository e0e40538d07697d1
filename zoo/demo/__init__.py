"""A page in the browser that asks a model: `zoo demo MODEL`."""
