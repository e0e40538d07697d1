"""Requests that come together pass through the model together.

There is no waiting for company: while the model computes, what comes in gathers, and is the next
batch. A lone request is so answered as quickly as it can be.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple


class Busy(Exception):  # noqa: N818 - reads as what it is
    """Too many wait, or it took too long."""


class _Waiting(NamedTuple):
    """An input, and where its answer goes."""

    input: Any
    answer: asyncio.Future[Any]


class Batcher:
    """Answers inputs in batches, one batch at a time.

    Args:
        answer: from inputs to as many answers; a ValueError says that one of them is not sound.
        pool: the thread that computes; several batchers may share one.
        most: inputs of a batch.
        waiting: inputs that may wait.
        told: called with the size of each batch.
    """

    def __init__(
        self,
        answer: Callable[[Sequence[Any]], Sequence[Any]],
        pool: ThreadPoolExecutor,
        *,
        most: int,
        waiting: int,
        told: Callable[[int], object] = lambda size: None,
    ) -> None:
        self._answer, self._pool, self._most, self._told = answer, pool, most, told
        self._room, self._line = waiting, deque[_Waiting]()
        self._task: asyncio.Task[None] | None = None

    async def ask(self, value: Any) -> Any:
        """The answer for an input.

        Raises:
            Busy: too many wait.
            ValueError: the input is not sound.
        """
        if len(self._line) >= self._room:
            raise Busy(f"the model must have room, got {self._room} inputs that wait already.")
        one = _Waiting(value, asyncio.get_running_loop().create_future())
        self._line.append(one)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())
        return await one.answer

    async def _work(self) -> None:
        """Answer all that wait, and what has come meanwhile."""
        loop = asyncio.get_running_loop()
        while self._line:
            some = [self._line.popleft() for _ in range(min(self._most, len(self._line)))]
            some = [one for one in some if not one.answer.done()]  # who has left is not asked
            if not some:
                continue
            self._told(len(some))
            inputs = [one.input for one in some]
            answers = await loop.run_in_executor(self._pool, self._each, inputs)
            for one, answer in zip(some, answers, strict=True):
                if one.answer.done():
                    continue
                if isinstance(answer, Exception):
                    one.answer.set_exception(answer)
                else:
                    one.answer.set_result(answer)

    def _each(self, inputs: Sequence[Any]) -> Sequence[Any]:
        """Answers or errors; of a batch that fails each input by itself."""
        try:
            return self._answer(inputs)
        except Exception as error:
            if len(inputs) == 1:
                return [error]
            return [answer for one in inputs for answer in self._each([one])]
