"""Texts numbered by several processes, in their order.

A worker is a program of its own that reads blocks of texts from a pipe and answers with numbers: it
needs no main guard in a user's script, no fork of a process with threads, and no pickles. Each
worker numbers words as it meets them; the parent translates into numbers of its own.
"""

from __future__ import annotations

import json
import os
import signal
import struct
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from itertools import islice
from typing import IO, Any, Final, Self

import numpy as np

from zoo.text.data.normalisation import Normalisation
from zoo.text.data.tokenizer import Numberer, Numbers, Tokenizer

BLOCK: Final = 1_000_000  # characters that a worker gets at a time
_LENGTH = struct.Struct("<q")
_PROGRAM = "import sys; from zoo.text.data.workers import work; work(*sys.argv[1:])"


def numbered(
    texts: Iterable[str], tokenizer: Tokenizer, number: Callable[[str], int], n_workers: int
) -> Iterator[Numbers]:
    """The numbers of each text, in order.

    Few texts are numbered right here, since a worker takes seconds to start.

    Args:
        texts: any number of them; some blocks are read ahead.
        tokenizer: whose language and normalisation the workers share.
        number: of a word, asked once a word and worker at most.
        n_workers: processes; 1 starts none.
    """
    blocks = _blocks(texts)
    first = list(islice(blocks, 2 * n_workers))
    if n_workers == 1 or len(first) < 2 * n_workers:
        numberer = Numberer(tokenizer, number)
        for block in (*first, *blocks):
            yield from map(numberer, block)
        return
    with ExitStack() as stack:
        workers = [stack.enter_context(_Worker(tokenizer)) for _ in range(n_workers)]
        waiting: deque[tuple[_Worker, Future[_Answer]]] = deque()
        for i, block in enumerate((*first, *blocks)):
            worker = workers[i % n_workers]
            waiting.append((worker, worker.thread.submit(worker.ask, block)))
            if len(waiting) > 2 * n_workers:
                yield from _translated(*waiting.popleft(), number)
        while waiting:
            yield from _translated(*waiting.popleft(), number)


_Answer = tuple[list[int], list[str], Numbers]
"""Length of each text, words that the worker had not met before, numbers of all texts."""


class _Worker:
    """A process that numbers texts; ended when the context is left."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.table = np.zeros(0, dtype=np.int32)  # the parent's number of each of its words
        self.thread = ThreadPoolExecutor(1)  # asks one question after another
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, tokenizer.language, tokenizer.normalisation],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self.thread.shutdown(cancel_futures=True)
        self._process.communicate()

    def ask(self, texts: list[str]) -> _Answer:
        """The answer to a block of texts.

        Raises:
            ChildProcessError: the process has ended.
        """
        questions, answers = self._process.stdin, self._process.stdout
        assert questions is not None
        assert answers is not None
        try:
            _send(questions, json.dumps(texts).encode())
            lengths, words = json.loads(_receive(answers))
            numbers = np.frombuffer(_receive(answers), dtype=np.int32)
        except (OSError, ValueError, EOFError) as error:
            raise ChildProcessError(
                "a process that cuts texts must live until they are all cut, however one ended "
                f"({error}); give more memory, or Run(threads=1)"
            ) from error
        return lengths, words, numbers


def _translated(
    worker: _Worker, answer: Future[_Answer], number: Callable[[str], int]
) -> Iterator[Numbers]:
    lengths, words, numbers = answer.result()
    worker.table = np.append(worker.table, np.array([number(w) for w in words], dtype=np.int32))
    yield from np.split(worker.table[numbers], np.cumsum(lengths)[:-1])


def _blocks(texts: Iterable[str]) -> Iterator[list[str]]:
    block: list[str] = []
    size = 0
    for text in texts:
        block.append(text)
        size += len(text)
        if size >= BLOCK:
            yield block
            block, size = [], 0
    if block:
        yield block


def _send(stream: IO[bytes], message: bytes) -> None:
    stream.write(_LENGTH.pack(len(message)))
    stream.write(message)
    stream.flush()


def _receive(stream: IO[bytes]) -> bytes:
    """A message; an end of the stream within it is an error.

    Raises:
        EOFError: the stream has ended.
    """
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError("the pipe has ended")
    message = stream.read(_LENGTH.unpack(head)[0])
    if len(message) < _LENGTH.unpack(head)[0]:
        raise EOFError("the pipe has ended")
    return message


def work(language: str, normalisation: Normalisation) -> None:
    """What a worker does: answer until there are no more questions."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends us
    questions, answers = sys.stdin.buffer, sys.stdout.buffer
    known: dict[str, int] = {}
    numberer = Numberer(
        Tokenizer(language, normalisation), lambda word: known.setdefault(word, len(known))
    )
    told = 0
    while True:
        try:
            texts: Any = json.loads(_receive(questions))
        except EOFError:
            return
        found = [numberer(text) for text in texts]
        new = list(islice(known, told, None))
        told = len(known)
        _send(answers, json.dumps([[len(one) for one in found], new]).encode())
        _send(answers, np.concatenate(found).tobytes())
