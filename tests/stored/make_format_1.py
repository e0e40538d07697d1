"""What made `format-1/` beside it, once: artifacts that every later version must load.

python -m tests.stored.make_format_1 tests/stored/format-1
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from sklearn.datasets import load_digits

import zoo
from tests.helpers.digits import write_photos
from tests.stored.artifacts import answers, inputs_of, pack
from zoo.core.artifacts.artifact import halved, weight_files

BODY, SMALL_BODY = "timm/test_efficientnet", "timm/test_convnext"  # the smaller one in a U-Net
SIDE = 32  # pixels
EMBEDDED = Path(zoo.__file__).parent / "hub" / "embedded"
RUN: Any = {"device": "cpu", "precision": "fp32", "threads": 1, "progress": False}
KEPT = 0.1  # share of a U-Net's weights that are not set to zero, so that it packs well

GOOD, BAD = ("great", "lovely", "warm"), ("dull", "awful", "cold")
TEXTS = [
    "I found the film great. It isn't dull.",
    "They found the cast awful & cold.",
    "",
    "We didn’t find it “lovely” – it was café-grade, and\r\nDULL &amp; awful!!!",  # noqa: RUF001
    "critics found the ending warm. " * 12,
]
COLOURS = ("blue", "green", "red")


# ---- photos --------------------------------------------------------------------------------------


def digits(work: Path) -> Path:
    """Threes and sevens."""
    return write_photos(work / "digits", n_train=60, n_valid=20, side=SIDE)


def table_of_photos(work: Path) -> pd.DataFrame:
    """The digits, with their labels and how dark they are."""
    paths = sorted(digits(work).rglob("*.png"))
    ink = [1 - float(np.asarray(Image.open(path)).mean()) / 255 for path in paths]
    labels = [
        path.parent.name + "|dark" * (dark > 0.31) for path, dark in zip(paths, ink, strict=True)
    ]
    valid = [path.parts[-3] == "valid" for path in paths]
    return pd.DataFrame(
        {"photo": [str(p) for p in paths], "labels": labels, "ink": ink, "valid": valid}
    )


def classifier_of(data: Any, work: Path, **options: Any) -> Any:
    settings = {"epochs": 6, "size": SIDE, "batchnorm": "live", "augment": "none", **options}
    return zoo.vision.train(data, model=BODY, **settings, run=run(work))


def several_labels(work: Path) -> Any:
    return classifier_of(
        table_of_photos(work),
        work,
        columns=("photo", "labels"),
        valid_column="valid",
        pool="avgmax",
    )


def number(work: Path) -> Any:
    return classifier_of(
        table_of_photos(work), work, columns=("photo", "ink"), valid_column="valid", hidden=8,
        y_range=(0, 1),
    )  # fmt: skip


def snapshots(work: Path) -> Any:
    learn = zoo.vision.learner(
        digits(work), model=BODY, size=SIDE, batchnorm="live", augment="none", run=run(work),
    )  # fmt: skip
    learn.fit_sgdr(3e-3, cycles=2, cycle_len=3, cycle_mult=1, snapshots=True)
    return learn.as_model(snapshots=2)


def segmenter(work: Path) -> Any:
    for i in range(16):
        for kind, picture in zip(("photos", "masks"), scene(i), strict=True):
            (work / kind).mkdir(exist_ok=True)
            picture.save(work / kind / f"{i}.png")
    model = zoo.vision.segmentation.train(
        work / "photos", work / "masks", model=SMALL_BODY, epochs=8, lr=1e-2, batch_size=4,
        classes=("ground", "disc", "bar"), augment="none", run=run(work),
    )  # fmt: skip
    return pruned(model)


def restorer(work: Path) -> Any:
    for i in range(16):
        (work / "good").mkdir(exist_ok=True)
        scene(i)[0].save(work / "good" / f"{i}.png")
    learn = zoo.vision.restoration.learner(
        work / "good", model=SMALL_BODY, size=SIDE, batch_size=4, perceptual=0.0,
        run=run(work),
    )  # fmt: skip
    learn.fit_one_cycle(8, 1e-2)
    return pruned(learn.as_model())


def scene(seed: int) -> tuple[Image.Image, Image.Image]:
    """A red disc and a blue bar on a soft ground, and which pixel is which."""
    rng = np.random.default_rng(seed)
    ground = Image.fromarray(rng.integers(60, 140, (4, 4, 3), dtype=np.uint8))
    pixels = np.array(ground.resize((SIDE, SIDE), Image.Resampling.BICUBIC))
    y, x = np.mgrid[:SIDE, :SIDE]
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[np.hypot(y - rng.integers(8, 24), x - rng.integers(6, 14)) < 6] = 1
    left = int(rng.integers(18, 27))
    mask[6:26, left : left + 4] = 2
    pixels[mask == 1], pixels[mask == 2] = (220, 40, 40), (40, 60, 220)
    return Image.fromarray(pixels), Image.fromarray(mask)


@torch.no_grad()
def pruned(model: Any) -> Any:
    """The model with its smallest weights set to zero and norms that fit what is left."""
    network = model.members[0]
    for tensor in network.parameters():
        if tensor.dim() > 1:
            tensor[tensor.abs() < tensor.abs().flatten().quantile(1 - KEPT)] = 0
    network.train()
    for seed in range(40):
        photos = np.stack([np.asarray(scene(seed * 4 + i)[0]) for i in range(4)])
        images = torch.from_numpy(photos).permute(0, 3, 1, 2) / 255
        network((images - network.mean) / network.std)
    network.eval()
    return model


# ---- texts ---------------------------------------------------------------------------------------


def reviews() -> pd.DataFrame:
    """Short texts, whether they like what they speak of, and what that is."""
    rng = np.random.default_rng(0)
    rows = []
    for i in range(120):
        words, thing = GOOD if i % 2 else BAD, str(rng.choice(("film", "cast", "ending")))
        said = [
            f"{rng.choice(('I', 'We', 'They', 'critics'))} found the {thing} {rng.choice(words)}"
            for _ in range(int(rng.integers(1, 4)))
        ]
        said += [f'it {"is" if i % 2 else "isn" + chr(39) + "t"} "{rng.choice(GOOD)}" & DULL']
        of = [name for name in ("film", "cast") if name == thing]
        rows.append({"text": ". ".join(said) + "!", "label": "yn"[i % 2 == 0], "of": of})
    return pd.DataFrame(rows)


def language_model(work: Path, *, reverse: bool = False) -> Any:
    return zoo.text.train_lm(
        reviews()["text"], epochs=4, lr=2e-2, drop_mult=0.1, batch_size=8, bptt=16, d_embedding=8,
        d_hidden=12, n_layers=2, reverse=reverse, run=run(work),
    )  # fmt: skip


def text_classifier(work: Path, *, label: str = "label", reverse: bool = False) -> Any:
    lm = language_model(work, reverse=reverse)
    return zoo.text.finetune(
        lm, reviews(), label=label, epochs=6, lr=2e-2, drop_mult=0.1, max_len=40, bptt=12,
        batch_size=8, run=run(work),
    )  # fmt: skip


def both_directions(work: Path) -> Any:
    return zoo.text.ensemble([text_classifier(work), text_classifier(work, reverse=True)])


# ---- tables --------------------------------------------------------------------------------------


def sales(n: int = 200, seed: int = 0) -> pd.DataFrame:
    """Categories, numbers with gaps, a day, and what follows from them."""
    rng = np.random.default_rng(seed)
    colour, store = rng.choice(COLOURS, n), rng.integers(1, 9, n)
    age, income = rng.normal(40, 10, n).round(1), rng.lognormal(8, 0.5, n).round()
    day = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 700, n), "D")
    score = (colour == "red") + 0.25 * (store % 4) + 0.05 * (age - 40)
    frame = pd.DataFrame({"colour": colour, "store": store, "age": age, "income": income})
    frame["day"], frame["member"] = day, rng.random(n) < 0.5
    frame["bought"] = np.select([score > 1, score > 0.3], ["much", "some"], "none")
    frame["amount"], frame["weight"] = 100 * np.exp(score), score.round(2)
    frame.loc[rng.random(n) < 0.1, "income"] = np.nan
    frame.loc[rng.random(n) < 0.1, "colour"] = None
    return frame


def table_model(work: Path, target: Any, **options: Any) -> Any:
    targets = [target] if isinstance(target, str) else target
    ignore = [name for name in ("bought", "amount", "weight") if name not in targets]
    return zoo.tabular.train(
        sales(), target, ignore=ignore, categories=["store"], epochs=20, lr=1e-2, batch_size=32,
        layers=[8, 8], bins=4, d_number=2, run=run(work), **options,
    )  # fmt: skip


# ---- ratings -------------------------------------------------------------------------------------


def ratings() -> pd.DataFrame:
    """Of users whose taste is in two kinds of films."""
    rng = np.random.default_rng(0)
    taste, kind = rng.normal(size=(24, 2)), rng.normal(size=(16, 2))
    users, items = np.nonzero(rng.random((24, 16)) < 0.6)
    values = np.clip((3 + taste @ kind.T)[users, items].round(1), 1, 5)
    return pd.DataFrame(
        {"user": [f"u{number:02}" for number in users], "item": items * 10, "rating": values}
    )


def features() -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(1)
    age, job = rng.integers(18, 70, 24), rng.choice(("cook", "nurse"), 24)
    users = pd.DataFrame({"age": age, "job": job}, index=[f"u{i:02}" for i in range(24)])
    items = pd.DataFrame({"war": rng.random(16) < 0.5}, index=[10 * i for i in range(16)])
    return {"user_features": users, "item_features": items}


def recommender(work: Path, model: Any, **options: Any) -> Any:
    return zoo.collab.train(
        ratings(), model=model, epochs=20, n_factors=4, batch_size=64, run=run(work),
        titles={10 * i: f"Film {i}" for i in range(16)}, **options,
    )  # fmt: skip


# ---- the whole -----------------------------------------------------------------------------------

MAKERS: dict[str, Callable[[Path], Any]] = {
    "vision-several-labels": several_labels,
    "vision-number": number,
    "vision-snapshots": snapshots,
    "vision-segmenter": segmenter,
    "vision-restorer": restorer,
    "text-lm-forward": language_model,
    "text-lm-backward": lambda work: language_model(work, reverse=True),
    "text-classifier": text_classifier,
    "text-several-labels": lambda work: text_classifier(work, label="of"),
    "text-both-directions": both_directions,
    "tabular-mlp": lambda work: table_model(work, "bought"),
    "tabular-tabm": lambda work: table_model(work, "weight", model="tabm", k=4),
    "tabular-log": lambda work: table_model(work, "amount", log_target=True, join="inside"),
    "tabular-several": lambda work: table_model(work, ["amount", "weight"], join="ensemble"),
    "collab-dot-bias": lambda work: recommender(work, "dot_bias"),
    "collab-svdpp": lambda work: recommender(work, "svdpp", members=2),
    "collab-embedding-net": lambda work: recommender(
        work, "embedding_net", hidden=[8], dropout=0.1
    ),
    "collab-softmax": lambda work: recommender(work, "softmax", negatives=16, dropout=0.2),
    "collab-features": lambda work: recommender(work, "dot_bias", **features()),
    "collab-without-users": lambda work: recommender(work, "dot_bias").without_users(),
}


def run(work: Path) -> zoo.Run:
    return zoo.Run(**RUN, cache=work / "cache")


def make(name: str, folder: Path) -> None:
    """A tiny trained model, halved, with inputs and what it says of them once it is loaded.

    Matrices of networks of photos keep eight bits of precision, so that they pack well.
    """
    with tempfile.TemporaryDirectory() as temporary:
        model = MAKERS[name](Path(temporary))
        model.save(folder)
    for file in weight_files(len(model.members)):
        tensors = load_file(folder / file)
        if model.domain == "vision":
            tensors = {k: t.bfloat16().float() if t.dim() > 1 else t for k, t in tensors.items()}
        save_file(halved(tensors), folder / file, {"format": "pt"})
        (folder / file).chmod(0o644)
    write_inputs(model, folder)
    said = answers(zoo.load(folder, run=zoo.Run(**RUN)), inputs_of(folder))
    write_json(folder / "expected.json", said)
    if model.domain == "vision":
        for file in weight_files(len(model.members)):
            pack(folder / file)


def write_inputs(model: Any, folder: Path) -> None:
    """Photos of digits or scenes, or inputs.json."""
    if model.domain == "vision":
        images = load_digits().images[[3, 7, 13]] * (255 / 16)
        for i, image in enumerate(images):
            picture = Image.fromarray(255 - np.rint(image).astype(np.uint8)).resize((SIDE, SIDE))
            picture.save(folder / f"{i}.png")
        scene(77)[0].save(folder / "3.png")
        scene(78)[0].crop((0, 0, 28, 20)).resize((44, 36)).save(folder / "4.png")
        return
    if model.domain == "text":
        inputs: Any = TEXTS
    elif model.domain == "tabular":
        rows = sales(6, seed=1).drop(columns=["bought", "amount", "weight"])
        inputs = json.loads(rows.to_json(orient="records", date_format="iso"))
        inputs[0]["colour"] = "violet"  # unseen
    else:
        unknown = "u07" if model.name == "softmax" else "nobody"
        inputs = {
            "pairs": [[model.spec.users[1], 0], ["u05", 150], [unknown, 30], ["u03", 77777]],
            "visitor": [[10, 5.0], [40, 1.0], [77777, 3.0]],
        }
    write_json(folder / "inputs.json", inputs)


def make_published(name: str, folder: Path) -> None:
    """The config of a published model, and what its weights say of inputs."""
    artifact = EMBEDDED / name
    inputs = published_inputs(name, json.loads((artifact / "config.json").read_text())["spec"])
    said = answers(zoo.load(artifact, run=zoo.Run(**RUN)), inputs)
    weights = hashlib.sha256((artifact / "model.safetensors").read_bytes()).hexdigest()
    if name == "digits":
        inputs = [path.name for path in inputs]
    write_json(folder / f"{name}.json", {"weights": weights, "inputs": inputs, "expected": said})
    pack(Path(shutil.copy(artifact / "config.json", folder / f"{name}.config")))


def published_inputs(name: str, spec: Any) -> Any:
    """Some of what a published model is for."""
    if name == "digits":
        return inputs_of(Path(__file__).parent / "format-1" / "vision-number")[:3]
    if name in ("sentiment", "lstm-wiki"):
        return [*TEXTS[:4], "It isn’t good.", "A film of warmth , well played ."]  # noqa: RUF001
    if name == "movielens-100k":
        known = spec["items"]
        pairs = [[spec["users"][2], known[0]], ["nobody", known[5]], ["nobody", known[50]]]
        return {"pairs": pairs, "visitor": [[known[1], 5.0], [known[7], 2.0]]}
    columns = [*spec["categories"], *spec["numbers"]]
    return [
        {c["name"]: c["values"][i % len(c["values"])] if "values" in c else c["mean"] + i * c["std"]
         for c in columns}
        for i in range(4)
    ]  # fmt: skip


def make_photo_classifier(folder: Path) -> None:
    """The first one: a tiny trained classifier, photos, and what it said of them."""
    with tempfile.TemporaryDirectory() as temporary:
        photos = write_photos(Path(temporary) / "digits", n_train=100, n_valid=50, side=SIDE)
        model = zoo.vision.train(
            photos,
            model=BODY,
            epochs=8,
            size=SIDE,
            batchnorm="live",
            augment="none",
            run=zoo.Run(**RUN),
        )
        with torch.no_grad():  # so that the file halves when it is compressed
            for tensor in model.members[0].state_dict().values():
                if tensor.is_floating_point():
                    tensor.copy_(tensor.bfloat16())
        model.metrics = model.evaluate()
        model.save(folder)
        chosen = sorted((photos / "valid").rglob("[01].png"))
        expected = {}
        for path in chosen:
            name = f"{path.parent.name}-{path.name}"
            shutil.copy(path, folder / name)
            expected[name] = model.predict(path).probabilities
    write_json(folder / "expected.json", expected)


def write_json(path: Path, tree: Any) -> None:
    path.write_text(json.dumps(tree, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def main(folder: Path, names: list[str]) -> None:
    """Make all that is not there yet, or some."""
    if not (folder / "config.json").exists():
        make_photo_classifier(folder)
    for name in names or MAKERS:
        if not (folder / name).exists():
            make(name, folder / name)
    (folder / "published").mkdir(exist_ok=True)
    for name in sorted(path.name for path in EMBEDDED.iterdir()):
        if not (folder / "published" / f"{name}.json").exists():
            make_published(name, folder / "published")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
