"""The application: a model's doors, its health and what it has done, with limits on all of them.

Whatever goes wrong ends in one sentence as JSON, `{"error": ...}`: 413 for what is too large, 422
for what the model cannot read, 408 and 503 for what takes too long or has too much company. No
traceback leaves the server; its log has them.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import time
import warnings
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from zoo.core.model import Model
from zoo.serve.batching import Batcher, Busy
from zoo.serve.doors import Door, doors_of
from zoo.serve.limits import Limits
from zoo.version import __version__

if TYPE_CHECKING:
    from fastapi import FastAPI, Request, Response

LEFT: Final = 499  # a client that does not wait for its answer, as nginx counts it
LOG: Final = logging.getLogger("zoo.serve")
FAILED: Final = "the server could not answer, and its log tells why. Try another input."


def application(
    model: Model[Any, Any], limits: Limits | None = None, name: str = "model"
) -> FastAPI:
    """The FastAPI application of a model, which any ASGI server runs.

    Args:
        model: any model of the library.
        limits: sizes and times; None takes the usual ones.
        name: the model's name, for the description.

    Raises:
        ModuleNotFoundError: the extra `serve` is not installed.
    """
    fastapi = require_fastapi()
    limits = limits or Limits()
    pool = ThreadPoolExecutor(1, "zoo")  # the model has all threads of torch

    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[None]:
        yield
        pool.shutdown(wait=False, cancel_futures=True)

    app: FastAPI = fastapi.FastAPI(
        title=name,
        description=repr(model),
        version=__version__,
        docs_url=None,  # its scripts come from another server
        redoc_url=None,
        lifespan=lifespan,
    )
    record = _Record()
    for door in doors_of(model, limits):
        _open(app, door, _Desk(door, limits, pool, record))
    _open_others(app, model, record)
    app.add_exception_handler(404, lambda request, error: _reply(404, {"error": _paths(app)}))
    app.add_exception_handler(
        405, lambda request, error: _reply(405, {"error": "ask this path by POST or GET."})
    )
    return app


def require_fastapi() -> Any:
    """The package fastapi.

    Raises:
        ModuleNotFoundError: it, or what counts requests, is not installed.
    """
    try:
        import fastapi
        import prometheus_client  # noqa: F401
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"a server needs fastapi, uvicorn and prometheus_client, got no {error.name!r}. Run "
            "pip install 'transfer-zoo[serve]'."
        ) from None
    return fastapi


class _Record:
    """What a server has done, as Prometheus reads it."""

    def __init__(self) -> None:
        from prometheus_client import CollectorRegistry, Counter, Histogram

        self.registry = CollectorRegistry()
        own: Any = {"registry": self.registry}
        self.requests = Counter("zoo_requests", "Requests by status", ["path", "status"], **own)
        self.seconds = Histogram("zoo_seconds", "Seconds of answered requests", ["path"], **own)
        sizes = [1, 2, 4, 8, 16, 32, 64, 128]
        self.batch = Histogram("zoo_batch", "Inputs of a batch", buckets=sizes, **own)

    def text(self) -> str:
        """All of it."""
        from prometheus_client import generate_latest

        return generate_latest(self.registry).decode()


class _Desk:
    """Takes the requests of a door."""

    def __init__(
        self, door: Door, limits: Limits, pool: ThreadPoolExecutor, record: _Record
    ) -> None:
        self.door, self.limits, self.record = door, limits, record
        of_photos = "image/*" in door.takes
        self.most = limits.megabytes * 1e6 if of_photos else limits.kilobytes * 1e3
        self.batcher = Batcher(
            door.answer,
            pool,
            most=limits.batch,
            waiting=limits.waiting,
            told=record.batch.observe,
        )

    async def __call__(self, request: Request) -> Response:
        """The answer, or a sentence."""
        began = time.perf_counter()
        status, content = await self._answered(request)
        self.record.requests.labels(self.door.path, status).inc()
        if status == 200:
            self.record.seconds.labels(self.door.path).observe(time.perf_counter() - began)
        return _reply(status, content)

    async def _answered(self, request: Request) -> tuple[int, Any]:
        """The status, and the answer or a sentence."""
        from starlette.requests import ClientDisconnect

        try:
            async with asyncio.timeout(self.limits.seconds):
                body = await _body(request, self.most)
                if body is None:
                    most = f"{self.most / 1e6:g} MB"
                    return 413, _error(f"a request must have {most} or less, got more. Send less.")
                value = self.door.read(body)
                return 200, await self.batcher.ask(value)
        except ValueError as error:
            return 422, _error(str(error))
        except Busy as error:
            return 503, _error(f"{error} Ask again later.")
        except TimeoutError:
            return 503, _error(
                f"an answer must come within {self.limits.seconds:g} s, and this one did not. Ask "
                "again later."
            )
        except ClientDisconnect:
            return LEFT, _error("nobody waits for this answer.")
        except Exception:
            LOG.exception("a request to %s failed", self.door.path)
            return 500, _error(FAILED)


def _open(app: FastAPI, door: Door, desk: Callable[..., Any]) -> None:
    """Add a door, described by its schemas."""
    from fastapi import Request

    async def endpoint(request: Request) -> Any:
        return await desk(request)

    sentence = {"application/json": {"schema": {"type": "object", "required": ["error"]}}}
    responses: dict[int | str, dict[str, Any]] = {
        200: {"description": "The answer", "content": _schemas(door.gives)},
        413: {"description": "Too large", "content": sentence},
        422: {"description": "What the model cannot read, in a sentence", "content": sentence},
        503: {"description": "Too busy, or too slow", "content": sentence},
    }
    body = {"required": True, "content": _schemas(door.takes)}
    endpoint.__annotations__["request"] = Request
    app.add_api_route(
        door.path,
        endpoint,
        methods=["POST"],
        summary=door.summary,
        responses=responses,
        response_model=None,
        openapi_extra={"requestBody": body},
    )


def _open_others(app: FastAPI, model: Model[Any, Any], record: _Record) -> None:
    """Add health, metrics and the description of the model."""
    from fastapi.responses import PlainTextResponse

    async def health() -> Any:
        return _reply(200, {"status": "ok"})

    async def metrics() -> Any:
        return PlainTextResponse(record.text())

    async def about() -> Any:
        task, network, _ = model._built()
        known = {"model": repr(model), "domain": model.domain, "task": task, "network": network}
        return _reply(200, known | {"version": __version__, "metrics": model.metrics})

    for path, endpoint, summary in (
        ("/", about, "Tell what the model is"),
        ("/health", health, "Tell whether the server is there"),
        ("/metrics", metrics, "Count requests, as Prometheus reads it"),
    ):
        app.add_api_route(path, endpoint, summary=summary, response_model=None)


async def _body(request: Request, most: float) -> bytes | None:
    """The body of a request; None as soon as it is too large."""
    stated = request.headers.get("content-length", "0")
    if stated.isdecimal() and int(stated[:20]) > most:
        return None
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            return None
        parts.append(part)
    return b"".join(parts)


def _reply(status: int, content: Any) -> Response:
    """An answer: PNG bytes, or JSON of ASCII, which holds whatever a client has sent."""
    from fastapi import Response

    if isinstance(content, bytes):
        return Response(content, status, media_type="image/png")
    text = json.dumps(content, default=str)
    return Response(text, status, media_type="application/json")


def _error(sentence: str) -> dict[str, str]:
    return {"error": sentence}


def _paths(app: FastAPI) -> str:
    paths = ", ".join(str(getattr(route, "path", "")) for route in app.routes)
    return f"a path must be one of {paths}, got another. See /openapi.json."


def _schemas(by_media: Any) -> dict[str, Any]:
    return {media: {"schema": schema} for media, schema in by_media.items()}


def run(
    model: Model[Any, Any], limits: Limits, name: str, host: str, port: int, *, quiet: bool = False
) -> None:
    """Serve a model until Ctrl-C.

    Raises:
        ModuleNotFoundError: the extra `serve` is not installed.
    """
    app = application(model, limits, name)
    import uvicorn

    gc.collect()
    gc.freeze()  # else the collector goes through all of torch now and then, for most of a second
    warnings.simplefilter("ignore")  # of inputs, such as unseen categories: nobody reads them
    uvicorn.run(
        app,
        host=host,
        port=port,
        log_level="warning" if quiet else "info",
        access_log=False,
        timeout_keep_alive=5,
        limit_concurrency=4 * limits.waiting,
        server_header=False,
    )
