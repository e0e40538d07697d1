"""`zoo serve` under load, and against requests that make no sense, on loopback.

The server is a process of its own, as the command starts it. A row for each model: requests one
after the other (`single_ms`, median), then a minute at saturation, by as many connections as always
have a request under way: requests per second, errors, p50 and p99 in milliseconds, the mean size of
a batch, and the server's memory a tenth into the minute and at its end. The row `fuzz` is of 1,000
requests that are malformed, oversized, cut off or lie about their length: answers by status,
tracebacks that reached the client, and whether the same process still answers a sound one.

    python -m benchmarks.serve_load           # writes results/serve_load.csv; 3 min
    python -m benchmarks.serve_load --smoke   # seconds, without a record
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.one_prediction import ROW
from scripts.lib.record import ROOT, append

HOST: Final = "127.0.0.1"
CONNECTIONS: Final = 32
SINGLE: Final = 200
FUZZ: Final = 1000
DEADLINE: Final = 20.0  # seconds that a client waits,
PATIENCE: Final = 1.0  # and one that has sent nonsense
LARGE: Final = 200_000  # bytes, beyond what a row may have
START: Final = 120.0  # seconds that a server may take to load


def main() -> None:
    """A row for each model, and one of the fuzzer."""
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--smoke", action="store_true")
    flags.add_argument("--seconds", type=float, default=60.0)
    chosen = flags.parse_args()
    seconds, sent = (2.0, 50) if chosen.smoke else (chosen.seconds, FUZZ)
    for model, body in (("zoo/adult", json.dumps(ROW).encode()), ("zoo/digits", digit())):
        with serving(model) as (process, port):
            values = asyncio.run(loaded(port, process.pid, body, seconds))
        append("serve_load.csv", keep=not chosen.smoke, model=model, **values)
    with serving("zoo/adult") as (process, port):
        values = asyncio.run(fuzzed(port, sent))
        values["alive"] = process.poll() is None
    append("serve_load.csv", keep=not chosen.smoke, model="fuzz", **values)


def digit() -> bytes:
    """A photo that zoo/digits knows: a handwritten digit, as PNG."""
    import io

    from PIL import Image
    from sklearn.datasets import load_digits

    pixels = 255 - np.rint(load_digits().images[0] * (255 / 16)).astype(np.uint8)
    Image.fromarray(pixels).resize((64, 64)).save(file := io.BytesIO(), "PNG")
    return file.getvalue()


@contextlib.contextmanager
def serving(model: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A server of a model: its process, and the port on which it answers."""
    with socket.socket() as free:
        free.bind((HOST, 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "zoo", "serve", model, "--port", str(port)]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
        try:
            asyncio.run(answering(port))
            yield process, port
        finally:
            process.terminate()
            process.wait(10)


async def answering(port: int) -> None:
    """Wait until a server answers."""
    ends = time.perf_counter() + START
    while time.perf_counter() < ends:
        with contextlib.suppress(OSError):
            if (await raw(port, b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n"))[0] == 200:
                return
        await asyncio.sleep(0.2)
    raise TimeoutError(f"a server must answer within {START:g} s, got none on port {port}.")


async def loaded(port: int, pid: int, body: bytes, seconds: float) -> dict[str, Any]:
    """Figures of a lone client, then of saturation."""
    request = post(body)
    alone = await times_of(port, request, ends=None, most=SINGLE)
    before = await batches(port)
    ends, memory = time.perf_counter() + seconds, asyncio.create_task(later(pid, seconds / 10))
    some = await asyncio.gather(
        *(times_of(port, request, ends=ends, most=None) for _ in range(CONNECTIONS))
    )
    times = sorted(t for one in some for t in one if t > 0)
    errors = sum(t < 0 for one in some for t in one)
    (n, total), after = before, await batches(port)
    return {
        "connections": CONNECTIONS,
        "seconds": seconds,
        "requests": len(times),
        "per_second": len(times) / seconds,
        "errors": errors,
        "single_ms": statistics.median(alone) * 1e3,
        "p50_ms": times[len(times) // 2] * 1e3,
        "p99_ms": times[int(len(times) * 0.99)] * 1e3,
        "mean_batch": (after[1] - total) / max(after[0] - n, 1),
        "mb_early": await memory,
        "mb_end": megabytes(pid),
    }


async def times_of(
    port: int, request: bytes, *, ends: float | None, most: int | None
) -> list[float]:
    """Seconds of requests one after the other on one connection; negative for an error."""
    reader, writer = await asyncio.open_connection(HOST, port)
    times: list[float] = []
    while (most is None or len(times) < most) and (ends is None or time.perf_counter() < ends):
        began = time.perf_counter()
        writer.write(request)
        status, _ = await answer(reader)
        took = time.perf_counter() - began
        times.append(took if status == 200 else -took)
    writer.close()
    return times


async def answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Status and body of a response."""
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    fields = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
    body = await reader.readexactly(int(fields.get("content-length", "0")))
    return int(lines[0].split()[1]), body


async def raw(port: int, sent: bytes, wait: float = DEADLINE) -> tuple[int, bytes]:
    """What a server says of some bytes; 0 if it waits for more until the client leaves."""
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(sent)
    try:
        return await asyncio.wait_for(answer(reader), wait)
    except (asyncio.IncompleteReadError, ConnectionError, TimeoutError):
        return 0, b""
    finally:
        writer.close()


def post(body: bytes, path: str = "/predict", length: int | None = None) -> bytes:
    """A request."""
    size = len(body) if length is None else length
    return f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {size}\r\n\r\n".encode() + body


async def fuzzed(port: int, n: int) -> dict[str, Any]:
    """Send what makes no sense; count what comes back."""
    rng, statuses, tracebacks = np.random.default_rng(0), Counter[int](), 0
    for i in range(n):
        status, body = await raw(port, broken(rng, i % KINDS), PATIENCE)
        statuses[status] += 1
        tracebacks += b"Traceback" in body or b'File "' in body
    status, _ = await raw(port, post(json.dumps(ROW).encode()))
    counts = " ".join(f"{status}:{count}" for status, count in sorted(statuses.items()))
    return {"sent": n, "statuses": counts, "tracebacks": tracebacks, "answers_after": status == 200}


KINDS: Final = 16


def broken(rng: np.random.Generator, kind: int) -> bytes:
    """A request of one of the kinds of mistakes."""
    row: dict[str, Any] = dict(ROW)
    name = str(rng.choice(list(row)))
    odd = [[], {}, "\ud800", "x" * 50, 1e308, -1, True, "\0", 10**400, [[[]]], {"a": {}}]
    whole = json.dumps(ROW).encode()
    cut = int(rng.integers(1, len(whole)))
    noise = rng.bytes(int(rng.integers(1, 4000)))
    bodies: list[bytes] = [
        post(noise),
        post(whole[:cut]),
        post(whole, length=len(whole) + 500),  # more is promised than comes
        post(whole, length=cut),  # what follows is no request
        post(json.dumps({**row, name: odd[int(rng.integers(len(odd)))]}).encode()),
        post(json.dumps({k: v for k, v in row.items() if k != name}).encode()),
        post(b"[" * int(rng.integers(1, 90_000))),
        post(b'{"a":' * int(rng.integers(1, 15_000)) + b"1" + b"}" * 15_000),
        post(b"x" * LARGE),
        post(b"", length=10**18),
        noise,
        b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: -5\r\n\r\n{}",
        b"GET /" + b"a" * int(rng.integers(1, 90_000)) + b" HTTP/1.1\r\nhost: x\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nffffff\r\n"
        + noise,
        b"DELETE /predict HTTP/1.1\r\nhost: x\r\n\r\n",
        b"POST /predict HTTP/1.1\r\n" + b"h: " + b"y" * 70_000 + b"\r\n\r\n",
    ]
    assert len(bodies) == KINDS
    return bodies[kind]


async def batches(port: int) -> tuple[float, float]:
    """How many batches a server has answered, and the inputs in them."""
    _, body = await raw(port, b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n")
    lines = dict(line.rsplit(" ", 1) for line in body.decode().splitlines() if line[:1] != "#")
    return float(lines["zoo_batch_count"]), float(lines["zoo_batch_sum"])


async def later(pid: int, seconds: float) -> float:
    """A process's memory after some seconds."""
    await asyncio.sleep(seconds)
    return megabytes(pid)


def megabytes(pid: int) -> float:
    """What a process has in memory."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    main()
