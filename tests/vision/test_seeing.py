"""What the model saw: figures, results, heat maps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib import pyplot as plt
from PIL import Image
from typer.testing import CliRunner

import zoo
from tests.helpers.digits import NAMES
from tests.stored.artifacts import unpacked
from tests.vision.shrunk import shrunk  # noqa: F401 - a fixture
from tests.vision.small import RUN, TINY
from zoo.cli.app import app
from zoo.core.explanation import Explanation
from zoo.vision.classification.model import PhotoModel
from zoo.vision.inspect import figures
from zoo.vision.inspect.explain import grad_cam
from zoo.vision.models.classifier import build_classifier

pytestmark = pytest.mark.usefixtures("cache", "closed")


@pytest.fixture
def closed() -> Iterator[None]:
    """No figure stays open."""
    yield
    plt.close("all")


def texts(figure: plt.Figure) -> list[str]:
    return [ax.get_title() for ax in figure.axes if ax.get_title()]


# ---- results -------------------------------------------------------------------------------------


def test_results_tell_what_evaluation_scores(model: PhotoModel, photos: Path) -> None:
    seen = model.results()
    scores = model.evaluate()
    assert len(seen) == 40
    assert (seen.guesses == seen.truths).mean() == pytest.approx(scores["accuracy"])
    assert seen.losses.mean() == pytest.approx(scores["loss"], abs=1e-5)
    again = model.results(photos / "valid")
    np.testing.assert_allclose(again.outputs, seen.outputs, atol=1e-6)


def test_top_losses_are_the_largest_and_name_their_files(model: PhotoModel) -> None:
    seen = model.results()
    table = seen.top_losses(5)
    assert table["loss"].is_monotonic_decreasing
    assert table["loss"][0] == pytest.approx(seen.losses.max())
    assert all(Path(path).is_file() and "valid" in path for path in table["photo"])
    for path, truth in zip(table["photo"], table["truth"], strict=True):
        assert Path(path).parent.name == truth


def test_confusions_are_counted_and_ranked(model: PhotoModel) -> None:
    seen = model.results()
    wrong = seen.__class__(seen.spec, seen.photos, seen.outputs[:, ::-1].copy(), seen.truths)
    table = wrong.confusion()
    right = (wrong.guesses == wrong.truths).sum()
    assert table.to_numpy().sum() == 40
    assert np.trace(table) == right
    pairs = wrong.most_confused()
    assert pairs["count"].sum() == 40 - right
    assert pairs["count"].is_monotonic_decreasing
    first = pairs.iloc[0]
    assert table.loc[first["truth"], first["predicted"]] == first["count"]
    assert len(wrong.most_confused(least=100)) == 0


def test_figures_show_truth_prediction_and_loss(model: PhotoModel, tmp_path: Path) -> None:
    seen = model.results()
    shown = texts(seen.plot(6))
    assert len(shown) == 6
    assert {text.split(" / ")[0] for text in shown} == set(NAMES)
    worst = texts(seen.plot_top_losses(4))
    assert worst[0].endswith(f"/ {seen.losses.max():.2f}")
    cells = {text.get_text() for text in seen.plot_confusion().texts}
    assert cells == {str(count) for count in seen.confusion().to_numpy().ravel()}
    with Image.open(figures.save(seen.plot(2), tmp_path / "results.png")) as picture:
        assert picture.size[0] > 300
    assert figures.save(seen.plot(2), tmp_path / "plain").name == "plain.png"
    with pytest.raises(ValueError, match=r"got '.*results.doc'. Try '.*results.png'"):
        figures.save(seen.plot(2), tmp_path / "results.doc")


def test_a_batch_is_shown_as_the_model_sees_it(photos: Path) -> None:
    learn = zoo.vision.learner(photos, model=TINY, size=32, run=RUN)
    shown = figures.batch(learn, 4)
    batch = next(iter(learn.data.train.epoch(0)))
    assert texts(shown) == [learn.data.spec.classes[i] for i in batch.target[:4]]
    pixels = shown.axes[0].images[0].get_array()
    assert pixels.shape == (32, 32, 3)
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (learn.data.spec.mean, learn.data.spec.std))
    seen = (batch.inputs[0][0] * std + mean).clamp(0, 1).permute(1, 2, 0)
    np.testing.assert_allclose(pixels, seen, atol=1e-6)


# ---- heat maps -----------------------------------------------------------------------------------


def test_grad_cam_is_the_papers_formula() -> None:
    torch.manual_seed(0)
    model = build_classifier(
        "resnet18", 3, pretrained=False, size=64, hidden=None, pool="avg", dropout=0.0
    ).eval()
    x = torch.randn(1, 3, 64, 64)
    features = model.body(x).detach()
    # Of a linear head on the mean, the gradient of each cell is the weight over the cells.
    weights = model.head.layers[-1].weight[2].detach() / features[0, 0].numel()
    wanted = (weights[:, None, None] * features[0]).sum(0).relu()
    wanted = torch.nn.functional.interpolate(wanted[None, None], (64, 64), mode="bilinear")[0, 0]
    torch.testing.assert_close(grad_cam(model, x, 2), wanted / wanted.max())


def test_explaining_leaves_the_model_as_it_was() -> None:
    model = build_classifier("timm/test_efficientnet", 2, pretrained=False, size=32).train()
    before = {name: t.clone() for name, t in model.state_dict().items()}
    grad_cam(model, torch.randn(1, 3, 32, 32), 0)
    assert model.training
    assert all(p.grad is None for p in model.parameters())
    assert all(torch.equal(before[name], t) for name, t in model.state_dict().items())


def test_the_heat_lies_where_the_sign_is(tmp_path: Path) -> None:
    """Photos of noise, in half of them a square."""
    rng = np.random.default_rng(0)
    for i in range(48):
        pixels = rng.integers(0, 90, (64, 64, 3), dtype=np.uint8)
        if i % 2:
            top, left = rng.integers(0, 44, 2)
            pixels[top : top + 20, left : left + 20] = (250, 60, 60)
        place = tmp_path / ("with" if i % 2 else "without")
        place.mkdir(exist_ok=True)
        Image.fromarray(pixels).save(place / f"{i}.png")
    model = zoo.vision.train(
        tmp_path,
        model=TINY,
        size=64,
        epochs=8,
        batchnorm="live",
        augment="none",
        rivals=False,
        run=RUN,
    )
    pixels = rng.integers(0, 90, (64, 64, 3), dtype=np.uint8)
    pixels[8:28, 36:56] = (250, 60, 60)
    found = model.explain(pixels, "with")
    heat = found.picture.heat
    inside = heat[4:32, 32:60].sum() / heat.sum()
    assert inside > 2.5 * 28 * 28 / 64**2  # times its share of the photo


def test_an_explanation_is_a_figure_and_a_picture(
    model: PhotoModel, photos: Path, tmp_path: Path
) -> None:
    path = photos / "valid" / NAMES[0] / "0.png"
    found = model.explain(path)
    assert isinstance(found, Explanation)
    assert found.label == found.prediction.label == NAMES[0]
    drawn = found.picture
    assert drawn.heat.shape == drawn.photo.shape[:2] == (32, 32)
    assert 0 <= drawn.heat.min() <= drawn.heat.max() <= 1
    assert found._repr_html_().startswith("<img")
    figure = found.figure()
    assert NAMES[0] in figure.get_suptitle()
    assert len(figure.axes[1].images) == 2
    assert found.save(tmp_path / "heat.png").read_bytes().startswith(b"\x89PNG")
    other = model.explain(path, label=NAMES[1])
    assert other.label == NAMES[1]
    assert not np.allclose(other.picture.heat, drawn.heat)


@pytest.mark.usefixtures("shrunk")
def test_what_cannot_be_explained_is_one_clear_sentence(model: PhotoModel, photos: Path) -> None:
    path = photos / "valid" / NAMES[0] / "0.png"
    with pytest.raises(ValueError, match=r"got label='sevn'\. Did you mean 'seven'"):
        model.explain(path, label="sevn")
    vit = build_classifier("vit_b_32", 2, pretrained=False, size=32)
    with pytest.raises(ValueError, match="got vit_b_32, which pools its features"):
        grad_cam(vit, torch.zeros(1, 3, 32, 32), 0)


# ---- other tasks ---------------------------------------------------------------------------------


def a_table(photos: Path, **column: Any) -> PhotoModel:
    paths = sorted(photos.rglob("*.png"))
    names, values = zip(*column.items(), strict=True)
    frame = pd.DataFrame(
        {
            "path": [str(path) for path in paths],
            names[0]: [values[0](path) for path in paths],
            "valid": [path.parts[-3] == "valid" for path in paths],
        }
    )
    settings: dict[str, Any] = {"size": 32, "epochs": 1, "augment": "none", "run": RUN}
    return zoo.vision.train(frame, model=TINY, rivals=False, **settings)


def test_several_labels_and_numbers_are_seen_and_explained(photos: Path) -> None:
    labels = a_table(photos, labels=lambda path: f"{path.parent.name}|digit")
    numbers = a_table(photos, number=lambda path: len(path.stem) + 0.5)
    path = photos / "valid" / NAMES[0] / "0.png"
    for model in (labels, numbers):
        seen = model.results()
        assert seen.losses.shape == (40,)
        assert (seen.losses >= 0).all()
        assert len(texts(seen.plot_top_losses(3))) == 3
        with pytest.raises(ValueError, match=r"got task='.*'\. Look at top_losses"):
            seen.confusion()
        assert model.explain(path).picture.heat.shape == (32, 32)
    assert seen.losses.mean() == pytest.approx(numbers.metrics["rmse"] ** 2, rel=1e-4)
    assert labels.explain(path, NAMES[0]).label == NAMES[0]
    assert set(labels.results().top_losses(40)["truth"]) == {
        f"digit, {NAMES[1]}",
        f"digit, {NAMES[0]}",
    }


# ---- command line --------------------------------------------------------------------------------


def test_every_picture_is_written_from_the_shell(
    directory: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    valid, said = photos / "valid", {}
    for words in (
        ["batch", photos, "--size", 32, "-k", 4],
        ["results", directory, valid, "-k", 4],
        ["losses", directory, valid, "-k", 2],
        ["confusion", directory, valid],
    ):
        done = CliRunner().invoke(app, ["vision", "show", *map(str, words)])
        assert done.exit_code == 0, done.output
        said[words[0]] = done.output
        with Image.open(tmp_path / f"{words[0]}.png") as picture:
            assert min(picture.size) > 200
    assert "truth predicted" in " ".join(said["losses"].split())
    assert not plt.get_fignums()


def test_models_that_draw_and_models_of_texts_are_refused_in_a_sentence(
    photos: Path, tmp_path: Path
) -> None:
    stored = Path(__file__).parents[1] / "stored" / "format-1"
    show = [["vision", "show", what] for what in ("results", "losses", "confusion")]
    calls = {
        "vision-segmenter": ("PhotoSegmenter", [["vision", "report"]]),
        "tabular-mlp": ("TableModel", show),
    }
    for model, (kind, commands) in calls.items():
        unpacked(stored / model, tmp_path / model)
        for words in commands:
            given = [*words, tmp_path / model, photos / "valid"]
            done = CliRunner().invoke(app, list(map(str, given)))
            assert done.exit_code == 1, done.output
            assert f"must be a PhotoModel, got a {kind}" in done.stderr
