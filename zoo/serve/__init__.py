"""A model as a server: `zoo serve MODEL`, or the application itself for a server of one's own.

from zoo.serve import Limits, application

app = application(zoo.load("pets"), Limits(seconds=5))   # what uvicorn, or another, runs
"""

from zoo.serve.application import application
from zoo.serve.limits import Limits

__all__ = ["Limits", "application"]
