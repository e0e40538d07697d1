from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

import zoo
from zoo.text.models.awd_lstm import DropConnectLSTM
from zoo.text.models.classifier import ClassifierNet
from zoo.text.models.language_model import LanguageNet
from zoo.text.models.recurrence import lstm

Pair = tuple[Tensor, Tensor]


def results(call: Any, module: nn.Module, inputs: list[Tensor]) -> tuple[list[Tensor], Any]:
    """Outputs, last state, and gradients of everything from a sum that weighs each otherwise."""
    out, (h, c) = call(inputs[0], (inputs[1], inputs[2]))
    total = sum((t * torch.arange(t.numel()).view(t.shape).cos()).sum() for t in (out, h, c))
    return [out, h, c], torch.autograd.grad(total, [*inputs, *module.parameters()])


@pytest.mark.parametrize(("n_rows", "n_words"), [(3, 5), (1, 1)])
def test_the_layer_and_its_gradients_are_those_of_torch(n_rows: int, n_words: int) -> None:
    torch.manual_seed(0)
    plain = nn.LSTM(4, 6, batch_first=True)
    shapes = [(n_rows, n_words, 4), (1, n_rows, 6), (1, n_rows, 6)]
    inputs = [torch.randn(shape, requires_grad=True) for shape in shapes]

    def ours(x: Tensor, state: Pair) -> tuple[Tensor, Pair]:
        to_input, to_output, *biases = plain.parameters()
        return lstm(x, state, torch.cat([to_input, to_output], 1), biases[0] + biases[1])

    torch.testing.assert_close(results(ours, plain, inputs), results(plain, plain, inputs))


def test_in_bf16_it_stays_within_the_rounding_of_eight_bits() -> None:
    torch.manual_seed(0)
    layer = DropConnectLSTM(8, 12, 0.0)
    inputs = [torch.randn(s, requires_grad=True) for s in [(2, 9, 8), (1, 2, 12), (1, 2, 12)]]
    expected, gradients = results(layer, layer, inputs)
    with torch.autocast("cpu", torch.bfloat16):
        found, own_gradients = results(layer, layer, inputs)
    assert [found[0].dtype, found[2].dtype] == [torch.bfloat16, torch.float32]
    torch.testing.assert_close([t.float() for t in found], expected, atol=0.02, rtol=0)
    for own, gradient in zip(own_gradients, gradients, strict=True):
        assert own.dtype == torch.float32
        assert float((own - gradient).norm() / gradient.norm()) < 0.02


@pytest.mark.parametrize("has_units", [True, False])
def test_wide_layers_train_in_bf16_where_a_cpu_has_units(
    has_units: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zoo.core.run.cpu_units", lambda: ["AMX"] if has_units else [])
    run, cpu = zoo.Run(device="cpu"), torch.device("cpu")

    def dtype(net: ClassifierNet) -> torch.dtype | None:
        return run.autocast_dtype(cpu, bf16_on_cpu=net.bf16_on_cpu)

    sizes: dict[str, Any] = {"n_words": 9, "n_classes": 2, "d_embedding": 4, "n_layers": 2}
    assert dtype(ClassifierNet(**sizes, d_hidden=400)) == (torch.bfloat16 if has_units else None)
    assert dtype(ClassifierNet(**sizes, d_hidden=399)) is None


def test_what_is_predicted_on_a_cpu_is_exact_under_autocast() -> None:
    torch.manual_seed(0)
    sizes: dict[str, Any] = {"n_words": 9, "d_embedding": 4, "d_hidden": 6, "n_layers": 2}
    words, rows = torch.arange(8).view(2, 4), torch.tensor([4, 4])
    reader, writer = ClassifierNet(**sizes, n_classes=2).eval(), LanguageNet(**sizes).eval()
    calls = (
        lambda: reader(words, rows),
        lambda: writer.next_words(words)[0],
        lambda: writer(words, rows > 0).logits,
    )
    for call in calls:
        with torch.autocast("cpu", torch.bfloat16):
            found = call()
        writer.carried = ()
        torch.testing.assert_close(found, call(), atol=0, rtol=0)
        writer.carried = ()
