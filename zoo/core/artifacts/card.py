"""The model card: README.md of an artifact, rendered from its records; no number typed by hand.

Every artifact gets one from its config. A published model says more: what it is for, the data, its
scores over seeds, the cost. That is its `card.json`, which does not travel on to models that are
fine-tuned from it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.core.config import CARD_FACTS, Config
from zoo.core.names import without_folders
from zoo.version import __version__

if TYPE_CHECKING:
    from huggingface_hub import EvalResult

EVALUATIONS = ".eval_results/transfer-zoo.yaml"
_PIPELINES = {
    ("vision", "classification"): "image-classification",
    ("vision", "multi-label"): "image-classification",
    ("vision", "segmentation"): "image-segmentation",
    ("vision", "restoration"): "image-to-image",
    ("text", "classification"): "text-classification",  # which on the hub is of pairs too,
    ("text", "multi-label"): "text-classification",
    ("text", "regression"): "text-classification",  # and has numbers beside labels
    ("text", "language-model"): "text-generation",
    ("tabular", "classification"): "tabular-classification",
    ("tabular", "regression"): "tabular-regression",
}
_STATED = ("apache-2.0", "mit", "cc0-1.0")  # and what begins with "cc-by": the hub knows those


@dataclass(frozen=True)
class Result:
    """One score of a recipe, over trials; from a CSV in results/.

    Attributes:
        metric: what was measured, such as accuracy.
        own: the score of the published weights.
        mean: over the trials.
        sd: their spread; 0 of one.
        n: how many.
        trials: what varied, seeds or folds.
        csv: file in results/.
    """

    metric: str
    own: float
    mean: float
    sd: float
    n: int
    trials: str
    csv: str


@dataclass(frozen=True)
class Card:
    """What a published model says beyond its config.

    Attributes:
        title: the card's title.
        use: what it is meant for.
        limits: what it is not fit for.
        preprocessing: what happens to inputs.
        data: name, title, address, licence and citation of the data set.
        split: which part of it the scores are of.
        program: the program that trained it.
        protocol: how `zoo hub verify` scores it again, a file in zoo/published.
        example: Python that predicts, after `model = zoo.load(...)`.
        results: scores over trials.
        seconds: median of a trial's training.
        clock: "CPU" if they are the processor's; empty if they are the clock's.
        machine: the machine that this was measured on.
        picture: file beside the card.
    """

    title: str
    use: str
    limits: str
    preprocessing: str
    data: dict[str, str]
    split: str
    program: str
    protocol: str
    example: str
    results: list[Result]
    seconds: float
    machine: str
    clock: str = ""
    picture: str = ""

    def to_json(self) -> str:
        """The text of card.json."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def read(cls, directory: Path) -> Card | None:
        """The card of a directory; None if it has none.

        Raises:
            ValueError: there is one that this version cannot read.
        """
        path = directory / CARD_FACTS
        if not path.exists():
            return None
        try:
            tree = json.loads(path.read_text(encoding="utf-8"))
            tree["results"] = [Result(**_known(Result, one)) for one in tree["results"]]
            card = cls(**_known(cls, tree))
            _check_kinds(card)
            return card
        except (
            OSError,
            ValueError,
            TypeError,
            LookupError,
            AttributeError,
            RecursionError,
        ) as error:
            raise ValueError(
                f"{CARD_FACTS} must state a card's facts, got one in {str(directory)!r} that does "
                f"not ({error}). Fetch the model again."
            ) from error


def render(config: Config, *, load_example: str, card: Card | None = None) -> str:
    """The card's text: YAML front matter that the Hugging Face hub reads, then Markdown.

    Args:
        config: the artifact's config.
        load_example: Python that loads the model and predicts, a few lines.
        card: what a published model says more.
    """
    name = config.model["name"]
    plain = f"{name}, fine-tuned" if config.training.get("pretrained") else str(name)
    made = f"A {config.domain} model for {config.task}, made with transfer-zoo {__version__}."
    parts = [
        _front_matter(config, card),
        f"# {card.title if card else plain}\n\n{made}",
        f"```python\n{load_example.strip()}\n```",
        *(_told(card) if card else ()),
        *_scores(config, card),
        *_rivals(config),
        *_table("Training", config.training),
        *(_cost(card) if card else ()),
        _data_and_licence(config, card),
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def evaluations(card: Card, config: Config) -> list[EvalResult]:
    """The results as the hub's `model-index` has them: the mean over the trials."""
    from huggingface_hub import EvalResult

    task = _PIPELINES.get((config.domain, config.task), config.task)
    return [
        EvalResult(
            task_type=task,
            dataset_type=card.data["name"],
            dataset_name=card.data["title"],
            dataset_split=card.split,
            metric_type=one.metric,
            metric_value=one.mean,
            metric_name=f"{one.metric}, {named(one)}",
        )
        for one in card.results
    ]


def evaluation_results(card: Card, config: Config) -> str:
    """The same results as the hub's newer evaluation results have them, a file of YAML.

    The hub lists them on a leaderboard where the data set is one of its benchmarks, by that id;
    other data sets have their registered name here.
    """
    from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml
    from huggingface_hub.utils import yaml_dump  # type: ignore[attr-defined]

    task = _PIPELINES.get((config.domain, config.task), config.task)
    entries = [
        EvalResultEntry(
            dataset_id=card.data["name"],
            task_id=task,
            value=one.mean,
            notes=f"{one.metric}, {named(one)}, sd {one.sd:.2g}; {card.split}",
        )
        for one in card.results
    ]
    return str(yaml_dump(eval_result_entries_to_yaml(entries)))


def _front_matter(config: Config, card: Card | None) -> str:
    from huggingface_hub import ModelCardData

    licence = config.licence.lower()
    is_known = licence in _STATED or licence.startswith("cc-by")
    published: dict[str, Any] = {}
    if card:
        published = {
            "model_name": card.title,
            "datasets": [card.data["name"]],
            "metrics": list(dict.fromkeys(one.metric for one in card.results)),
            "eval_results": evaluations(card, config),
        }
    data = ModelCardData(
        library_name="transfer-zoo",
        license=licence if is_known else "other",
        license_name=None if is_known or licence == "unknown" else config.licence,
        pipeline_tag=_PIPELINES.get((config.domain, config.task)),
        tags=["transfer-zoo", config.domain],
        **published,
    )
    return f"---\n{data.to_yaml(line_break=chr(10))}\n---"


def _told(card: Card) -> Iterator[str]:
    if card.picture:
        yield f"![Losses by epoch, and scores of the trials]({card.picture})"
    yield f"## What it is for\n\n{card.use}"
    yield f"## What it is not for\n\n{card.limits}"
    yield (
        "## Results\n\n"
        "| metric | mean ± sd | trials | these weights | rows |\n|---|---|---|---|---|\n"
        + "\n".join(
            f"| {one.metric} | {one.mean:.4f} ± {one.sd:.4f} | {named(one)} | "
            f"{one.own:.4f} | `results/{one.csv}` |"
            for one in card.results
        )
    )
    yield f"Scored on {card.split}. `zoo hub verify` measures the weights again."
    yield f"## Preprocessing\n\n{card.preprocessing}"


def _cost(card: Card) -> Iterator[str]:
    yield (
        f"Trained by `{card.program}`; a trial takes {card.seconds:.0f} {card.clock} seconds "
        f"(median) on {card.machine}.".replace("  ", " ")
    )


def _data_and_licence(config: Config, card: Card | None) -> str:
    lines = ["## Data and licence", ""]
    if card:
        data = card.data
        lines += [
            f"Data: {data['title']} (`{data['name']}`). {data['citation']}. Its licence: "
            f"{data['licence']}. {data['address']}",
            "",
        ]
    else:
        lines += [f"Trained on: {without_folders(config.data) or 'not stated'}."]
    lines += [f"Licence of the weights: {config.licence}."]
    return "\n".join(lines)


def named(result: Result) -> str:
    """The trials in words."""
    if result.n == 1:
        return f"one {result.trials.removesuffix('s')}"
    return f"mean of {result.n} {result.trials}"


def _scores(config: Config, card: Card | None) -> Iterator[str]:
    """The metrics; of folds their means, with the deviations."""
    title = "Scores on the validation part" if not card else "These weights"
    if not config.spread:
        yield from _table(title, config.metrics)
        return
    spread = config.spread
    both = {
        name: f"{value:.4g} ± {spread[name]:.2g}" if name in spread else value
        for name, value in config.metrics.items()
    }
    yield from _table("Scores, mean of the folds and deviation over them", both)


def _rivals(config: Config) -> Iterator[str]:
    """What cheap models reach on the same rows, and their shares in the prediction."""
    if not config.rivals:
        return
    names = list(dict.fromkeys(name for row in config.rivals for name in row))
    lines = [" | ".join(_cell(row.get(name, "")) for name in names) for row in config.rivals]
    head = [" | ".join(names).replace("name", "", 1), "|".join("---" for _ in names)]
    title = "Beside cheap models" + (", on the rows of all folds together" if config.spread else "")
    yield "\n".join([f"## {title}", "", *(f"| {line} |" for line in [*head, *lines])])
    if config.temperature is not None:
        yield (
            f"Logarithms of probabilities are divided by {config.temperature:.3g}, a temperature "
            "that was fitted on rows which the model had not seen: above one where it was too "
            "sure, below where it was not sure enough."
        )


def _table(title: str, values: Mapping[str, object]) -> Iterator[str]:
    if values:
        rows = [f"| {name} | {_cell(value)} |" for name, value in values.items()]
        yield "\n".join([f"## {title}", "", "| what | value |", "|---|---|", *rows])


def _cell(value: object) -> str:
    """A value in a cell of a table; no folder of the machine that it was made on."""
    if isinstance(value, float):
        return f"{value:.4g}"
    return " ".join(without_folders(str(value)).replace("|", "\\|").split())


def _check_kinds(card: Card) -> None:
    """Refuse values of another kind than their fields have.

    Raises:
        TypeError: one is.
    """
    values = [(part, getattr(card, part.name)) for part in fields(card)]
    values += [(part, getattr(one, part.name)) for one in card.results for part in fields(one)]
    for part, value in values:
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        is_right = {"str": isinstance(value, str), "float": number, "int": number}
        if not is_right.get(str(part.type), True):
            raise TypeError(f"{part.name!r} must be of the kind {part.type}, got {value!a:.60}")
    if not all(isinstance(text, str) for pair in card.data.items() for text in pair):
        raise TypeError(f"'data' must hold texts, got {card.data!a:.60}")


def _known(kind: Any, tree: dict[str, Any]) -> dict[str, Any]:
    """The fields that this version has; a later one may write more."""
    names = {one.name for one in fields(kind)}
    return {name: value for name, value in tree.items() if name in names}
