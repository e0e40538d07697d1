from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo.core.training.groups import layer_groups
from zoo.text.models.awd_lstm import (
    AwdLstm,
    DropConnectLSTM,
    Dropouts,
    LockedDropout,
    WordEmbedding,
)
from zoo.text.models.language_model import LanguageNet, Output, task

pytestmark = pytest.mark.device

STORED = Path(__file__).parent / "fastai_awd_lstm.json"


def net(**options: Any) -> LanguageNet:
    torch.manual_seed(0)
    sizes = {"n_words": 30, "d_embedding": 8, "d_hidden": 12, "n_layers": 3}
    return LanguageNet(**{**sizes, **options})


def some_words(rows: int = 4, length: int = 6) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    words = torch.randint(0, 30, (rows, length), generator=generator)
    return words, torch.zeros(rows, dtype=torch.bool)


# ---- parity --------------------------------------------------------------------------------------


def in_our_names(theirs: dict[str, Any]) -> dict[str, Tensor]:
    names = {"0.encoder.weight": "encoder.embedding.weight", "1.decoder.bias": "decoder.bias"}
    for i in range(3):
        names[f"0.rnns.{i}.weight_hh_l0_raw"] = f"encoder.lstms.{i}.weight_hh_l0"
        for part in ("weight_ih_l0", "bias_ih_l0", "bias_hh_l0"):
            names[f"0.rnns.{i}.module.{part}"] = f"encoder.lstms.{i}.{part}"
    return {ours: torch.tensor(theirs[name]) for name, ours in names.items()}


def test_outputs_are_those_of_fastai_over_two_batches() -> None:
    stored = json.loads(STORED.read_text())
    ours = LanguageNet(**stored["sizes"], n_layers=3)
    ours.load_state_dict(in_our_names(stored["weights"]))
    for mode in (ours.eval(), net_without_dropout(ours, stored["sizes"]).train()):
        mode.carried = ()
        for i, words in enumerate(stored["batches"]):
            output = mode(torch.tensor(words), torch.zeros(3, dtype=torch.bool))
            for name in ("logits", "raw"):
                expected = torch.tensor(stored[name][i])
                torch.testing.assert_close(getattr(output, name), expected, atol=1e-6, rtol=1e-5)


def net_without_dropout(like: LanguageNet, sizes: dict[str, int]) -> LanguageNet:
    other = LanguageNet(**sizes, n_layers=3, drop_mult=0)
    other.load_state_dict(like.state_dict())
    return other


def test_the_penalties_are_means_of_squares() -> None:
    raw, dropped = torch.randn(2, 5, 3), torch.randn(2, 5, 3)
    logits, target = torch.randn(2, 5, 7), torch.randint(0, 7, (2, 5))
    plain = F.cross_entropy(logits.reshape(10, 7), target.reshape(10))
    output = Output(raw, dropped, torch.empty(7, 3), torch.empty(7), logits)
    loss, count = task(ar=2, tar=1).loss(output, target)
    changes = raw[:, 1:] - raw[:, :-1]
    assert loss == pytest.approx(float(plain + 2 * (dropped**2).mean() + (changes**2).mean()))
    assert count == 10
    valid_loss = task().valid_loss
    assert valid_loss is not None
    assert valid_loss(output, target)[0] == plain


# ---- the five dropouts ---------------------------------------------------------------------------


def test_locked_dropout_is_one_mask_for_all_words() -> None:
    torch.manual_seed(0)
    mask = LockedDropout(0.25)(torch.ones(200, 7, 50))
    assert (mask == mask[:, :1]).all()
    assert mask.unique().tolist() == pytest.approx([0.0, 1 / 0.75])
    assert float((mask[:, 0] == 0).float().mean()) == pytest.approx(0.25, abs=0.02)
    assert float(mask.mean()) == pytest.approx(1, abs=0.03)


def test_a_dropped_word_is_dropped_wherever_it_stands() -> None:
    torch.manual_seed(0)
    table = WordEmbedding(5000, 3, 0.1)
    words = torch.arange(5000).repeat(2).view(2, 5000)
    ratio = table(words) / F.embedding(words, table.weight)
    assert (ratio[0] == ratio[1]).all()
    dropped = (ratio[0] == 0).all(1)
    assert ((ratio[0] == 0).any(1) == dropped).all()
    assert float(dropped.float().mean()) == pytest.approx(0.1, abs=0.015)
    torch.testing.assert_close(ratio[0][~dropped], torch.full_like(ratio[0][~dropped], 1 / 0.9))


def test_recurrent_weights_are_dropped_anew_each_time_and_stay_what_they_are() -> None:
    torch.manual_seed(0)
    lstm = DropConnectLSTM(4, 6, 0.5)
    before = {name: p.detach().clone() for name, p in lstm.named_parameters()}
    x, state = torch.randn(3, 5, 4), (torch.zeros(1, 3, 6), torch.zeros(1, 3, 6))
    assert not torch.equal(lstm(x, state)[0], lstm(x, state)[0])
    torch.manual_seed(7)
    out, (h, c) = lstm(x, state)
    plain = nn.LSTM(4, 6, batch_first=True)
    torch.manual_seed(7)
    mask = LockedDropout(0.5)(torch.ones(24, 1, 6))[:, 0]  # draws as many numbers
    masked = {**before, "weight_hh_l0": before["weight_hh_l0"] * mask}
    plain.load_state_dict(masked)
    expected, (h_expected, c_expected) = plain(x, state)
    torch.testing.assert_close([out, h, c], [expected, h_expected, c_expected])
    out.sum().backward()
    gradient = lstm.weight_hh_l0.grad
    assert gradient is not None
    assert (gradient[masked["weight_hh_l0"] == 0] == 0).all()
    assert all(torch.equal(p, before[name]) for name, p in lstm.named_parameters())


def net_with_one_dropout(name: str, p: float) -> LanguageNet:
    model = net(drop_mult=0)
    sizes: dict[str, Any] = {n: v for n, v in model.arguments.items() if n != "drop_mult"}
    dropouts = Dropouts(**{n: p if n == name else 0.0 for n in vars(Dropouts())})
    encoder = AwdLstm(n_words=30, **sizes, dropouts=dropouts)
    encoder.load_state_dict(model.encoder.state_dict())
    model.encoder, model.decoder.dropout = encoder, LockedDropout(dropouts.output)
    return model


def test_each_dropout_is_where_it_belongs_and_silent_in_evaluation() -> None:
    words, fresh = some_words()
    plain = net(drop_mult=0).train()(words, fresh)
    for name in ("output", "hidden", "input", "embedding", "weight"):
        model = net_with_one_dropout(name, 0.6)
        torch.manual_seed(3)
        output = model.train()(words, fresh)
        assert (output.raw.equal(plain.raw)) == (name == "output")
        assert not output.dropped.equal(plain.dropped)
        model.carried = ()
        assert torch.allclose(model.eval()(words, fresh).logits, plain.logits, atol=1e-6)


def test_a_dropout_of_one_is_refused() -> None:
    with pytest.raises(ValueError, match=r"must be below 1, got \{'input': 1.0\}"):
        Dropouts().times(4)


# ---- state ---------------------------------------------------------------------------------------


def test_the_state_goes_on_and_restarts_row_by_row() -> None:
    model = net().eval()
    words, fresh = some_words(4, 12)
    whole = model(words, fresh).logits
    model.carried = ()
    first = model(words[:, :5], fresh).logits
    kept = model.carried
    second = model(words[:, 5:], fresh).logits
    torch.testing.assert_close(torch.cat([first, second], 1), whole)
    model.carried = kept
    restarted = model(words[:, 5:], torch.tensor([True, False, False, False])).logits
    torch.testing.assert_close(restarted[1:], second[1:])
    model.carried = ()
    torch.testing.assert_close(restarted[0], model(words[:, 5:], fresh).logits[0])


def test_no_gradient_passes_from_batch_to_batch_and_no_state_is_stored() -> None:
    model = net()
    model(*some_words())
    assert len(model.carried) == 6
    assert not any(part.requires_grad for part in model.carried)
    assert all("carried" not in name for name in model.state_dict())


def test_softmax_and_input_share_their_words() -> None:
    model = net()
    model(*some_words()).logits.sum().backward()
    names = [name for name, _ in model.named_parameters()]
    assert sum(p.shape == (30, 8) for p in model.parameters()) == 1
    assert [group.name for group in layer_groups(model)] == ["lstm0", "lstm1", "lstm2", "words"]
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
    assert len(names) == 3 * 4 + 2


@pytest.mark.parametrize("n_layers", [1, 2, 4])
def test_any_number_of_layers(n_layers: int) -> None:
    encoder = AwdLstm(n_words=9, d_embedding=4, d_hidden=5, n_layers=n_layers)
    features, state = encoder(torch.zeros(2, 3, dtype=torch.int64))
    assert features.shape == (2, 3, 4)
    assert len(state) == 2 * n_layers
