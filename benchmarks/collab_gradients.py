"""Dense or sparse gradients of embeddings: milliseconds a step of a factor model, by batch size.

`dense` is what the library does: gradients of whole tables and torch's fused AdamW. `sparse` is the
alternative: gradients of the rows met, and an AdamW that reads and writes those rows alone (each
decays when it is met). Tables of 100,000 users and 20,000 items, and of MovieLens-100k's size; 50
factors and biases; both in turn in one process. Sparse wins where a batch is a small part of a
large table; the answer for large tables is therefore a large batch as much as sparse gradients.

    python -m benchmarks.collab_gradients          # writes results/collab_gradients.csv; 1 minute
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from scripts.lib.record import append

FACTORS, STEPS, WARM_UP, ROUNDS = 50, 30, 5, 3
TABLES = {"100,000 + 20,000": (100_000, 20_000), "943 + 1,682": (943, 1_682)}
BATCH_SIZES = (64, 512, 8192, 65_536)
SETTINGS: dict[str, Any] = {
    "lr": 1e-3,
    "betas": (0.9, 0.99),
    "eps": 1e-5,
    "weight_decay": 0.1,
}


class RowAdamW(torch.optim.Optimizer):
    """AdamW on the rows that have a gradient; the others wait."""

    def __init__(self, params: list[nn.Parameter]) -> None:
        super().__init__(params, SETTINGS)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """One step."""
        for group in self.param_groups:
            for p in group["params"]:
                self._step_rows(p, group)

    def _step_rows(self, p: nn.Parameter, group: dict[str, Any]) -> None:
        state = self.state[p]
        if not state:
            state.update(step=0, mean=torch.zeros_like(p), square=torch.zeros_like(p))
        state["step"] += 1
        gradient = p.grad.coalesce()  # type: ignore[union-attr]
        rows, values = gradient.indices()[0], gradient.values()
        (b1, b2), lr = group["betas"], group["lr"]
        mean = state["mean"].index_select(0, rows).lerp_(values, 1 - b1)
        square = state["square"].index_select(0, rows).mul_(b2)
        square.addcmul_(values, values, value=1 - b2)
        state["mean"].index_copy_(0, rows, mean)
        state["square"].index_copy_(0, rows, square)
        bias1, bias2 = 1 - b1 ** state["step"], 1 - b2 ** state["step"]
        scale = (square / bias2).sqrt_().add_(group["eps"])
        new = p.index_select(0, rows).mul_(1 - lr * group["weight_decay"])
        p.index_copy_(0, rows, new.addcdiv_(mean, scale, value=-lr / bias1))


def milliseconds(n_users: int, n_items: int, batch_size: int, *, sparse: bool) -> float:
    """The mean step of a short training."""
    torch.manual_seed(0)
    shapes = ((n_users, FACTORS), (n_items, FACTORS), (n_users, 1), (n_items, 1))
    tables = [nn.Parameter(0.01 * torch.randn(shape)) for shape in shapes]
    optimizer: Any = (
        RowAdamW(tables) if sparse else torch.optim.AdamW(tables, **SETTINGS, fused=True)
    )
    users = torch.randint(n_users, (STEPS, batch_size))
    items = torch.randint(n_items, (STEPS, batch_size))
    target = torch.rand(batch_size)

    def look_up(rows: Tensor, table: Tensor) -> Tensor:
        return F.embedding(rows, table, sparse=sparse)

    began = 0.0
    for step, (u, i) in enumerate(zip(users, items, strict=True)):
        if step == WARM_UP:
            began = time.perf_counter()
        optimizer.zero_grad()
        product = (look_up(u, tables[0]) * look_up(i, tables[1])).sum(1)
        score = product + look_up(u, tables[2])[:, 0] + look_up(i, tables[3])[:, 0]
        F.mse_loss(torch.sigmoid(score), target).backward()
        optimizer.step()
    return (time.perf_counter() - began) / (STEPS - WARM_UP) * 1e3


def main() -> None:
    """Every size, both ways in turn; medians and the ratio."""
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    flags.add_argument("--smoke", action="store_true", help="the small tables, no record")
    smoke = flags.parse_args().smoke
    for name, (n_users, n_items) in list(TABLES.items())[smoke:]:
        for batch_size in BATCH_SIZES:
            found: dict[bool, list[float]] = {False: [], True: []}
            for _ in range(ROUNDS):
                for sparse, took in found.items():
                    took.append(milliseconds(n_users, n_items, batch_size, sparse=sparse))
            dense, sparse_ms = (statistics.median(took) for took in found.values())
            row = {
                "rows": name,
                "batch_size": batch_size,
                "dense_ms": dense,
                "sparse_ms": sparse_ms,
                "sparse_over_dense": sparse_ms / dense,
            }
            print(row) if smoke else append("collab_gradients.csv", **row)


if __name__ == "__main__":
    main()
