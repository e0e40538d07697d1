from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from tests.tabular.small import RUN
from zoo.core.batches import Data, TensorBatches
from zoo.core.training.groups import layer_groups
from zoo.core.training.learner import Learner
from zoo.tabular.models.inputs import Embeddings, Piecewise, edges_of, embedding_size
from zoo.tabular.models.members import MemberLinear
from zoo.tabular.models.network import TableNet, build_network
from zoo.tabular.spec import Spec, Target
from zoo.tabular.task import task_of

pytestmark = pytest.mark.device

JOINS = ("input", "inside", "ensemble")
ROWS = [4, 7]
CASES = [
    (name, join, rows, n) for name in ("mlp", "tabm") for join in JOINS for rows, n in ((ROWS, 3),)
] + [("mlp", "input", [], 3), ("tabm", "inside", [], 3), ("mlp", "ensemble", ROWS, 0)]
MEMBERS = {"mlp": 3, "tabm": 4}
SMALL: dict[str, Any] = {"layers": (16, 8), "bins": 5}


def network(name: str, join: str, rows: list[int], n: int, **more: Any) -> TableNet:
    torch.manual_seed(0)
    settings = {"layers": (16, 8), "join": join, "bins": 5}
    settings |= {"k": 4} if name == "tabm" else {"members": MEMBERS["mlp"]}
    net = build_network(name, rows, n, 2, **{**settings, **more})
    net.fit_inputs(torch.randn(100, n))
    return net


def inputs(rows: list[int], n_numbers: int, n: int = 64) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    columns = [torch.randint(1, size, (n,), generator=generator) for size in rows]
    x_cat = torch.stack(columns, 1) if columns else torch.empty(n, 0, dtype=torch.int64)
    return x_cat, torch.randn(n, n_numbers, generator=generator)


@pytest.mark.parametrize(("name", "join", "rows", "n"), CASES)
def test_a_member_of_the_zoo(name: str, join: str, rows: list[int], n: int) -> None:
    net, x = network(name, join, rows, n), inputs(rows, n)
    output = net(*x)
    assert output.shape == (64, MEMBERS[name], 2)
    assert [group.name for group in layer_groups(net)] == ["inputs", "layers", "head"]
    output.square().sum().backward()
    for group in net.layers():
        gradients = [p.grad for p in group.parameters() if p.grad is not None]
        assert gradients
        assert all(g.isfinite().all() for g in gradients)
    net.eval()
    assert torch.equal(net(*x), net(*x))
    twin = build_network(**net.arguments())
    twin.load_state_dict(net.state_dict())
    assert torch.equal(twin.eval()(*x), net(*x))


@pytest.mark.parametrize(("name", "join", "rows", "n"), CASES)
def test_one_batch_can_be_learnt_by_heart(name: str, join: str, rows: list[int], n: int) -> None:
    x = inputs(rows, n, 16)
    known = x[0].sum(1) if n == 0 else (x[1][:, 0] > 0).long()
    target = known % 2
    spec = Spec("classification", (), (), (Target("y", ("a", "b")),), False)
    data = Data(TensorBatches(x, target, batch_size=16))
    net = network(name, join, rows, n, dropout=0.0)
    learn = Learner(net, data, task_of(spec), batchnorm="live", run=RUN)
    learn.fit(150, 3e-2)
    assert learn.evaluate(data.train)["loss"] < 0.1


def test_one_table_is_the_same_as_one_for_each_column() -> None:
    rows, sizes = [5, 9, 3], [2, 4, 3]
    fused = Embeddings(rows, sizes)
    tables = [fused.table(i).detach().clone().requires_grad_() for i in range(3)]
    x = torch.stack([torch.randint(0, n, (50,)) for n in rows], 1)
    expected = torch.cat([F.embedding(x[:, i], table) for i, table in enumerate(tables)], 1)
    assert torch.equal(fused(x), expected)
    shape = torch.randn(50, 9)
    (fused(x) * shape).sum().backward()
    (expected * shape).sum().backward()
    assert fused.weight.grad is not None
    flat = torch.cat([t.grad.flatten() for t in tables if t.grad is not None])
    assert torch.allclose(fused.weight.grad, flat, atol=1e-6)


def test_an_unseen_category_is_the_mean_of_the_others_in_evaluation() -> None:
    fused = Embeddings([5, 2], [3, 1])
    fused.eval()
    assert torch.allclose(fused.table(0)[0], fused.table(0)[1:].mean(0))
    assert torch.equal(fused.table(1)[0], fused.table(1)[1])


def test_bins_are_the_published_encoding_within_the_training_range() -> None:
    numbers = torch.tensor([[0.0], [1.0], [2.0], [4.0], [8.0]])
    piecewise = Piecewise(1, 4, 4)
    piecewise.fit(numbers)
    with torch.no_grad():
        piecewise.weight.zero_()[0, :4] = torch.eye(4)
    # Gorishniy et al. 2022, eq. 1: full bins, a part of one, empty bins
    assert piecewise(torch.tensor([[3.0]])).tolist() == [[1, 1, 0.5, 0]]
    assert piecewise(torch.tensor([[8.0]])).tolist() == [[1, 1, 1, 1]]
    assert piecewise(torch.tensor([[99.0]])).tolist() == [[1, 1, 1, 1]]
    assert piecewise(torch.tensor([[-9.0]])).tolist() == [[0, 0, 0, 0]]


def test_numbers_of_few_values_have_fewer_bins() -> None:
    piecewise = Piecewise(2, 48, 4)
    piecewise.fit(torch.tensor([[0.0, 7.0]] * 90 + [[1.0, 7.0]] * 10))
    assert (piecewise.get_buffer("scale") != 0).sum(1).tolist() == [2, 2]  # and the number
    assert piecewise(torch.randn(5, 2)).isfinite().all()


def test_a_member_is_a_linear_layer_scaled_before_and_after() -> None:
    layer = MemberLinear(5, 3, 4, "normal")
    x = torch.randn(7, 5)
    with torch.no_grad():
        layer.scale_out.normal_()
    for i in range(4):
        alone = F.linear(x * layer.scale_in[i], layer.weight) * layer.scale_out[i] + layer.bias[i]
        assert torch.allclose(layer(x)[:, i], alone, atol=1e-6)


def test_members_of_their_own_are_networks_that_share_their_inputs_alone() -> None:
    net, x = network("mlp", "input", ROWS, 3).eval(), inputs(ROWS, 3)
    outputs = net(*x)
    for i in range(3):
        alone = network("mlp", "input", ROWS, 3, members=1)
        own = {}
        for (name, target), source in zip(
            alone.state_dict().items(), net.state_dict().values(), strict=True
        ):
            part = source
            if source.shape != target.shape and source.dim() == target.dim() + 1:
                part = source[i].t()  # of a layer of their own
            elif source.shape != target.shape:
                part = source.chunk(3)[i]
            own[name] = part.reshape(target.shape)
        alone.load_state_dict(own)
        assert torch.allclose(alone.eval()(*x), outputs[:, i], atol=1e-5)


def test_outputs_keep_to_their_range() -> None:
    net = network("mlp", "input", ROWS, 3, y_range=[[0.0, 1.0], [5.0, 6.0]])
    output = net(ROWS and inputs(ROWS, 3)[0], 100 * inputs(ROWS, 3)[1])
    assert (output[..., 0] >= 0).all()
    assert (output[..., 0] <= 1).all()
    assert (output[..., 1] >= 5).all()


@pytest.mark.parametrize(("n", "size"), [(2, 2), (10, 6), (1000, 8), (10**6, 8)])
def test_embedding_sizes_follow_the_rule(n: int, size: int) -> None:
    assert embedding_size(n) == size


SENSELESS: dict[str, dict[str, Any]] = {
    "layers": {"layers": ()},
    "sizes": {"sizes": [1]},
    "members": {"k": 2, "members": 2},
    "y_range": {"y_range": [[1.0, 0.0], [0.0, 1.0]]},
}


@pytest.mark.parametrize("case", SENSELESS)
def test_settings_that_do_not_fit_the_table_are_named(case: str) -> None:
    with pytest.raises(ValueError, match="a network must have") as caught:
        build_network("mlp", ROWS, 3, 2, **SENSELESS[case])
    assert next(iter(SENSELESS[case])) in str(caught.value)


def test_bins_that_quantiles_leave_over_go_to_the_other_values() -> None:
    mostly_zero = torch.cat([torch.zeros(970), torch.arange(1.0, 31.0)])
    edges = edges_of(mostly_zero, 8)
    assert edges.tolist() == [0, 3, 7, 11, 15, 19, 23, 27, 30]
    assert edges_of(mostly_zero, 48).tolist() == list(range(31)), "all there are"
    assert edges_of(torch.arange(801.0), 8).tolist() == list(range(0, 801, 100)), "quantiles alone"
