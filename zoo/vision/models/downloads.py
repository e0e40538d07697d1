"""Weights that cannot be had: one sentence instead of a traceback from inside a download."""

from __future__ import annotations

import urllib.error
import urllib.request

_TIMEOUT = 10  # seconds


def unfetched(name: str, source: str, error: Exception | str) -> ConnectionError:
    """The error to raise when the weights of ``name`` are neither cached nor reachable."""
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return ConnectionError(
        f"pretrained weights must be fetched once, got none of {name!r} from {source} ({reason}). "
        "Connect to the network, or use 'efficientnet_lite0', whose weights are embedded."
    )


def unreachable(address: str) -> str | None:
    """Why a server does not answer, or None if it does; clients would retry for a minute."""
    request = urllib.request.Request(address, method="HEAD")
    try:
        urllib.request.urlopen(request, timeout=_TIMEOUT).close()
    except urllib.error.HTTPError:
        return None  # it answered
    except OSError as error:
        return str(error)
    return None
