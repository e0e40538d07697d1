from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    fbeta_score,
    mean_absolute_error,
    root_mean_squared_error,
)
from torch import Tensor, nn

from tests.core.tiny import QUIET, Net, data, learner, recurrent_learner, same, weights
from tests.helpers.device import DEVICE, IS_CPU, run_here
from zoo.core.batches import Batch, Data, TensorBatches
from zoo.core.task import Task, classification, multi_label, regression
from zoo.core.training.evaluation import evaluate, to_device
from zoo.core.training.learner import Learner
from zoo.core.training.schedules import constant, one_cycle

pytestmark = pytest.mark.device


def far(a: dict[str, Tensor], b: dict[str, Tensor]) -> float:
    return max(float((a[name] - b[name]).abs().max()) for name in a)


def test_the_loop_equals_a_bare_torch_loop() -> None:
    learn = learner()
    bare = Net().to(DEVICE)
    bare.load_state_dict(weights(learn))
    decayed = [p for name, p in bare.named_parameters() if name.endswith("weight")]
    others = [p for name, p in bare.named_parameters() if name.endswith("bias")]
    groups = [{"params": decayed, "weight_decay": 0.01}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=1e-2, betas=(0.9, 0.99), eps=1e-5, fused=True)
    for epoch in range(3):
        for (x,), y, *_ in data().train.epoch(epoch):
            optimizer.zero_grad()
            F.cross_entropy(bare(x.to(DEVICE)), y.to(DEVICE)).backward()
            optimizer.step()
    learn.fit(3, 1e-2)
    assert same(weights(learn), weights(bare))


def test_no_part_of_a_batch_is_a_single_row_where_batch_norms_learn() -> None:
    learn = learner(norm=True, accumulate=16)
    learn.fit(1, 1e-2)
    assert all(torch.isfinite(one).all() for one in weights(learn).values())
    whole, halves = learner(norm=True), learner(norm=True, accumulate=2)
    for one in (whole, halves):
        one.fit(1, 1e-2)
    assert not same(weights(whole), weights(halves))  # each part is normalised by itself


def test_batches_of_a_single_row_are_one_sentence_where_batch_norms_learn() -> None:
    with pytest.raises(
        ValueError, match=r"several values per channel.* got a single one with 1 of"
    ):
        learner(norm=True, data=data(batch_size=1)).fit(1, 1e-2)
    learner(data=data(10, batch_size=1)).fit(1, 1e-2)


@pytest.mark.parametrize("parts", [2, 3, 16])
@pytest.mark.parametrize("ignored", [0, 40])
def test_accumulation_equals_the_big_batch(parts: int, ignored: int) -> None:
    x = torch.randn(110, 8, generator=torch.Generator().manual_seed(0))
    y = x[:, :3].argmax(1)
    y[torch.randperm(110, generator=torch.Generator().manual_seed(1))[:ignored]] = -100
    task = classification(3, ignore_index=-100)
    ends = []
    for accumulate in (1, parts):
        learn = learner(data=Data(TensorBatches(x, y, batch_size=16)), task=task, clip=0.5,
                        optimizer="sgd", accumulate=accumulate)  # fmt: skip
        learn.fit(3, 0.1)
        ends.append(weights(learn))
    assert far(*ends) < (1e-6 if IS_CPU else 1e-5)
    assert far(ends[0], weights(learner())) > 1e-2


def test_a_batch_without_any_target_changes_nothing() -> None:
    ignored = TensorBatches(torch.randn(16, 8), torch.full((16,), -100))
    learn = learner(data=Data(ignored), task=classification(3, ignore_index=-100), weight_decay=0.0)
    before = weights(learn)
    learn.fit(1, 0.1)
    assert same(before, weights(learn))


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_every_step_has_the_rate_and_momentum_of_the_schedule(optimizer: str) -> None:
    seen = []

    class Look:
        def step_end(self, fit) -> None:
            group = fit.optimizer.param_groups[0]
            seen.append((group["lr"], group["betas"][0] if "betas" in group else group["momentum"]))

    schedule = partial(one_cycle, pct_start=0.3)
    learn = learner(optimizer=optimizer)
    learn.fit(3, 1e-2, schedule, callbacks=[Look()])
    expected = [schedule(step, [7, 7, 7]) for step in range(21)]
    assert seen == [(1e-2 * factors.rate, factors.momentum) for factors in expected]
    assert learn.history.lrs == [rate for rate, _ in seen]


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_clipping_bounds_the_step(precision: str) -> None:
    def moved(clip: float | None) -> float:
        learn = learner(run_here(precision=precision), clip=clip,
                        optimizer=lambda groups: torch.optim.SGD(groups, lr=1.0),
                        weight_decay=0.0, data=data(batch_size=200))  # fmt: skip
        before = weights(learn)
        learn.fit(1, 1.0)
        after = weights(learn)
        return float(torch.cat([(after[k] - before[k]).flatten() for k in after]).norm())

    assert moved(0.01) == pytest.approx(0.01, rel=1e-3)
    assert moved(None) > 0.1


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_mixed_precision_learns_and_keeps_weights_in_fp32(precision: str) -> None:
    learn = learner(run_here(precision=precision))
    learn.fit(8, 1e-2)
    assert learn.evaluate()["accuracy"] > 0.8
    assert all(p.dtype == torch.float32 for p in learn.model.parameters())


def test_small_gradients_survive_half_precision() -> None:
    cross_entropy = classification(3)

    def tiny(output: Tensor, target: Tensor) -> tuple[Tensor, Tensor | int]:
        mean, count = cross_entropy.loss(output, target)
        return mean * 1e-7, count  # below the smallest half-precision number, by row

    moved = {}
    for precision in ("fp32", "fp16"):
        learn = learner(run_here(precision=precision), weight_decay=0.0,
                        task=Task(tiny, cross_entropy.decode), optimizer="sgd")  # fmt: skip
        before = weights(learn)
        learn.fit(1, 1e5)
        moved[precision] = weights(learn)["first.weight"] - before["first.weight"]
    assert float(moved["fp32"].norm()) > 1e-3
    assert torch.allclose(moved["fp16"], moved["fp32"], rtol=0.1, atol=1e-4)


def test_two_precisions_work_in_one_process() -> None:
    for precision in ("bf16", "fp32", "bf16"):
        learn = learner(run_here(precision=precision))
        learn.fit(1, 1e-2)
        assert learn.dtype is (torch.bfloat16 if precision == "bf16" else None)


def test_evaluation_leaves_modes_generators_and_hidden_state() -> None:
    learn = recurrent_learner()
    learn.fit(1, 1e-2)
    learn.model.drop.train()
    carried, generator = learn.model.carried, torch.get_rng_state()
    modes = [module.training for module in learn.model.modules()]
    first = learn.evaluate()
    assert learn.model.carried is carried
    assert torch.equal(generator, torch.get_rng_state())
    assert modes == [module.training for module in learn.model.modules()]
    assert learn.evaluate() == first


def test_threads_that_evaluate_one_model_share_no_hidden_state() -> None:
    learn = recurrent_learner()
    learn.model.eval()
    valid = learn.data.valid
    alone = learn.evaluate()
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: learn.evaluate(valid), range(16)))
    assert found == [alone] * 16


def test_metrics_equal_those_of_scikit_learn() -> None:
    learn = learner()
    valid = learn.data.valid
    labels = learn.predict(valid).argmax(1)
    assert learn.evaluate()["accuracy"] == pytest.approx(accuracy_score(valid.target, labels))

    x, y = torch.randn(37, 8), torch.randn(37, 1)
    numbers = TensorBatches(x, y, batch_size=5, shuffle=False)
    learn = Learner(nn.Linear(8, 1), Data(numbers, numbers), regression(), run=QUIET)
    guess = learn.predict(numbers)
    scores = learn.evaluate()
    assert scores["rmse"] == pytest.approx(root_mean_squared_error(y, guess), rel=1e-5)
    assert scores["mae"] == pytest.approx(mean_absolute_error(y, guess), rel=1e-5)
    assert scores["loss"] == pytest.approx(float(F.mse_loss(guess, y)), rel=1e-5)


LABELS = torch.tensor([0, 2, 1, 2])


@pytest.mark.parametrize(
    ("task", "target", "loss"),
    [
        (classification(3), LABELS, lambda p, t: F.nll_loss(p.log(), t)),
        (classification(3, ignore_index=2), LABELS, lambda p, t: F.nll_loss(p.log()[::2], t[::2])),
        (multi_label(3), torch.eye(3)[LABELS], F.binary_cross_entropy),
        (regression(), torch.arange(12.0).view(4, 3), F.mse_loss),
    ],
)
def test_the_loss_of_an_ensemble_is_that_of_its_mean_predictions(
    task: Task, target: Tensor, loss: Callable[[Tensor, Tensor], Tensor]
) -> None:
    x = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    models = [nn.Linear(3, 3), nn.Linear(3, 3)]

    def score(*networks: nn.Module) -> float:
        batches = TensorBatches(x, target, batch_size=3, shuffle=False).epoch(0)
        return evaluate(networks, batches, task, torch.device("cpu"))["loss"]

    with torch.no_grad():
        predictions = torch.stack([task.decode(model(x)) for model in models]).mean(0)
    assert score(*models) == pytest.approx(float(loss(predictions, target)), rel=1e-5)
    assert score(models[0], models[0]) == pytest.approx(score(models[0]), rel=1e-4)


def test_labels_are_smoothed_in_training_alone() -> None:
    ends = []
    for smoothing in (0.0, 0.3):
        learn = learner(task=classification(3, label_smoothing=smoothing))
        learn.fit(3, 1e-2)
        logits = learn.model(data().valid.inputs[0].to(DEVICE)).detach().cpu()
        plain = float(F.cross_entropy(logits, data().valid.target))
        assert learn.history.rows[-1]["valid_loss"] == pytest.approx(plain, rel=1e-5)
        assert learn.evaluate()["loss"] == pytest.approx(plain, rel=1e-5)
        ends.append((learn.history.losses[0], weights(learn)))
    assert ends[0][0] != ends[1][0]
    assert not same(ends[0][1], ends[1][1])


def test_the_rate_of_a_batch_scales_the_step() -> None:
    learn = recurrent_learner()
    learn.fit(1, 1e-3)
    expected = [1e-3 * batch.rate for batch in learn.data.train.epoch(0)]
    assert learn.history.lrs == pytest.approx(expected)


def test_predictions_come_in_the_order_of_the_data() -> None:
    learn = learner()
    valid = learn.data.valid
    rows = valid.inputs[0].to(DEVICE)
    one_by_one = torch.cat([learn.model(x[None]) for x in rows]).softmax(1).cpu()
    assert torch.allclose(learn.predict(valid), one_by_one, atol=1e-6)


def test_compiling_changes_nothing_but_speed() -> None:
    ends = []
    for compiled in (False, True):
        learn = learner(run_here(compile=compiled))
        learn.fit(1, 1e-2, constant)
        ends.append(weights(learn))
    assert ends[0].keys() == ends[1].keys()
    assert far(*ends) < 1e-5


def test_weighted_classes_count_as_torch_weighs_them() -> None:
    torch.manual_seed(0)
    output, target = torch.randn(12, 3), torch.randint(0, 3, (12,))
    weights = torch.tensor([1.0, 5.0, 0.2])
    task = classification(3, weights=weights)
    mean, count = task.loss(output, target)
    assert float(mean) == pytest.approx(float(F.cross_entropy(output, target, weights)))
    assert float(count) == pytest.approx(float(weights[target].sum()))
    assert task.valid_loss is not None
    plain, _ = task.valid_loss(output, target)
    assert float(plain) == pytest.approx(float(F.cross_entropy(output, target)))
    halves = [task.loss(output[part], target[part]) for part in (slice(5), slice(5, 12))]
    total = sum(float(m * n) for m, n in halves) / sum(float(n) for _, n in halves)
    assert total == pytest.approx(float(mean), rel=1e-5)
    ignored = classification(3, weights=weights, ignore_index=1)
    mean, count = ignored.loss(output, target)
    kept = target != 1
    assert float(mean) == pytest.approx(float(F.cross_entropy(output[kept], target[kept], weights)))


def test_several_labels_are_scored_as_scikit_learn_scores_them() -> None:
    torch.manual_seed(0)
    output, target = torch.randn(60, 4), (torch.rand(60, 4) < 0.4).float()
    task = multi_label(4, threshold=0.3, beta=2.0)
    p = task.decode(output)
    found = {}
    for name, metric in task.metrics().items():
        metric.update(p, target)
        found[name] = float(metric.compute())
    assert found == {
        "f2": pytest.approx(fbeta_score(target, p >= 0.3, beta=2.0, average="macro")),
        "average_precision": pytest.approx(average_precision_score(target, p), abs=1e-5),
    }
    each = multi_label(4, threshold=(0.3, 0.5, 0.7, 0.2)).metrics()["f1"]
    each.update(p, target)
    said = p >= torch.tensor([0.3, 0.5, 0.7, 0.2])
    assert float(each.compute()) == pytest.approx(
        fbeta_score(target, said, beta=1, average="macro")
    )
    mean, count = task.loss(output, target)
    assert count == 60
    assert float(mean) == pytest.approx(log_loss_of(target, p), rel=1e-5)
    smoothed, _ = multi_label(4, label_smoothing=0.2).loss(output, target)
    assert float(smoothed) == pytest.approx(log_loss_of(target * 0.8 + 0.1, p), rel=1e-5)
    weighed, _ = multi_label(4, weights=torch.tensor([9.0, 1, 1, 1])).loss(output, target)
    assert weighed > mean


def log_loss_of(target: Tensor, p: Tensor) -> float:
    return float(-(target * p.log() + (1 - target) * (1 - p).log()).mean())


def test_a_batch_goes_to_the_device_whole() -> None:
    batch = Batch((torch.ones(2, 3), torch.ones(2)), torch.zeros(2), rate=0.5)
    there = to_device(batch, torch.device("meta"))
    assert [x.device.type for x in (*there.inputs, there.target)] == ["meta"] * 3
    assert there.rate == 0.5
    assert to_device(batch, torch.device("cpu")) is batch
