"""The class of all models: what the verbs and `load` return, with its record and its artifact."""

from __future__ import annotations

import json
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from zoo.core.artifacts import artifact
from zoo.core.artifacts.card import render
from zoo.core.batches import NO_VALIDATION, Batches, Data, S
from zoo.core.config import Config, config_of
from zoo.core.contents import Hashes
from zoo.core.explanation import Explanation
from zoo.core.export import How, write_program
from zoo.core.history import History
from zoo.core.interface import Interface
from zoo.core.messages import warn
from zoo.core.names import without_folders
from zoo.core.placed import Network, Placed
from zoo.core.predictions import Interval, PredictionSet, Unknown
from zoo.core.program import Program
from zoo.core.run import Run, accelerator, rank_and_world, versions
from zoo.core.seen_rows import TOLERABLE_SHARE, SeenRows
from zoo.core.task import Task
from zoo.core.training.groups import require_rows
from zoo.core.training.learner import Learner
from zoo.core.training.options import BatchNormMode, TrainingOptions
from zoo.core.training.tracking import tracking_of
from zoo.core.trust.blend import Blend
from zoo.core.trust.conformal import ClassErrors, Errors, check_coverage
from zoo.core.trust.examples import Examples
from zoo.core.trust.unknown import Familiar, Statistics

if TYPE_CHECKING:
    import pandas as pd


class Model(ABC, Generic[Network, S]):
    """A trained model; a domain's class adds `predict` and `evaluate`.

    | domain and task | prediction for one input | predictions for several |
    |---|---|---|
    | vision, classification | Prediction(label, probability) | list of Prediction |
    | vision, multi-label | Labels(labels, probabilities) | list of Labels |
    | vision, regression | float | list of float |
    | vision, segmentation | Segmentation(labels, classes) | list of Segmentation |
    | vision, restoration | a Pillow image | list of Pillow images |
    | text, classification | Prediction or Labels | list of them |
    | tabular, classification | the class, for a mapping from column to cell | Series, for a table |
    | tabular, regression | float, or a dict of several targets | Series, or DataFrame of several |
    | collab, rating or ranking | float, for (user, item) | array (n,), for (users, items) |

    Attributes:
        members: the network, or those of an ensemble.
        spec: what prediction needs besides weights; it has `to_json()`.
        history: the record of the training.
        metrics: scores on the validation part.
        data: what it was trained on, in a few words.
        training: how, for the card.
        licence: the licence of the weights, for the card; set it to state yours.
        extra: what else config.json says, kept as it is.
        spread: standard deviations of the metrics over folds; empty without folds.
        standings: what `rivals` shows, as JSON holds it.
        blend: simple models that have a share in the prediction; None if there are none.
        errors: how wrong predictions were of rows that were not trained on; None if not measured.
        familiar: what it knows of ordinary inputs; None if that was not measured.
        examples: training examples that it keeps as evidence; None if nobody asked for that.
        out_of_fold: after `folds=...`, the prediction for each of the user's rows by a model that
            has not seen it (probabilities of classes, or numbers); else None. Not saved.
        seen_rows: sketch of the rows that it was trained on; None if nobody recorded them.
        run: the circumstances of its predictions.
    """

    domain: ClassVar[str]
    batchnorm: ClassVar[BatchNormMode] = "thawed"  # of further training, see Learner
    layout: ClassVar[torch.memory_format] = torch.preserve_format  # see Placed

    def __init__(
        self,
        members: Sequence[Network],
        spec: S,
        *,
        history: History | None = None,
        metrics: dict[str, float] | None = None,
        spread: dict[str, float] | None = None,
        rivals: Sequence[dict[str, Any]] = (),
        blend: Blend | None = None,
        errors: Errors | None = None,
        familiar: Familiar | None = None,
        examples: Examples | None = None,
        data: str = "",
        training: dict[str, Any] | None = None,
        licence: str = "unknown",
        extra: dict[str, Any] | None = None,
        seen_rows: SeenRows | None = None,
        learner: Learner[S, Any] | None = None,
        run: Run | None = None,
    ) -> None:
        self.members, self.spec, self.run = list(members), spec, run or Run()
        self.history, self.metrics = history or History(), metrics or {}
        self.data, self.training, self.extra = data, training or {}, extra or {}
        self.licence, self.seen_rows = licence, seen_rows
        self.spread, self.standings = spread or {}, list(rivals)
        self.blend, self.errors = blend, errors
        self.familiar, self.examples = familiar, examples
        self.out_of_fold: pd.DataFrame | None = None
        self._learner = learner
        self._was_judged = bool(metrics)
        for member in self.members:
            member.eval()

    def __getstate__(self) -> dict[str, Any]:
        """What a copy by pickle or `copy` takes: as a loaded model, it has no learner."""
        return {k: v for k, v in vars(self).items() if k != "_placed"} | {"_learner": None}

    @abstractmethod
    def predict(self, *inputs: Any, **options: Any) -> object:
        """The prediction for one input, or those for several; the table above shows the types."""

    @abstractmethod
    def evaluate(self, *data: Any, **options: Any) -> dict[str, float]:
        """Loss and metrics on labelled data; without any, those of the validation part."""

    @abstractmethod
    def records(self, files: Sequence[Path], *, k: int = 1) -> Iterator[dict[str, Any]]:
        """Yield the predictions for what files hold, one dict of plain values per input.

        Its keys are `file`, and `row` for a row of a table, or `text` for a text itself; then
        `label`, `probability` and `probabilities` for a class; `labels` and `probabilities` for any
        number of labels; `value` for a number, beside `user` and `item` for a rating; `values` by
        target for several numbers; `picture` and `shares` for a picture.

        Args:
            files: files of inputs, or folders of them where inputs are files.
            k: number of likeliest classes whose probabilities are listed.

        Raises:
            ValueError: a file does not hold inputs of the model.
            FileNotFoundError: a file does not exist.
        """

    def explain(self, *inputs: Any, **options: Any) -> Explanation[Any]:
        """What in an input spoke for its prediction; a class whose models can tell overrides it.

        See `zoo.core.explanation`.

        Raises:
            NotImplementedError: models of this class cannot tell.
        """
        raise self._refusal("explain")

    def embed(self, *inputs: Any, **options: Any) -> NDArray[Any]:
        """The vector of each input before the head; a class whose models have one overrides it.

        Raises:
            NotImplementedError: models of this class have none.
        """
        raise self._refusal("embed")

    def similar(self, *inputs: Any, **options: Any) -> pd.DataFrame:
        """What is most alike an input, the nearest first; a class that can tell overrides it.

        See `zoo.core.neighbours`.

        Raises:
            NotImplementedError: models of this class cannot tell.
        """
        raise self._refusal("similar")

    def export(self, *path: Any, **how: Any) -> Path:
        """Write the model as a file for programs without this library.

        A class whose models can be written so overrides it, and tells what the file takes and
        gives; the package `zoo_runtime` asks ONNX files as `predict` is asked.

        Args:
            *path: the file; NAME.onnx, or NAME.pt2.
            **how: `format`, "onnx" or "pt2" (a file of `torch.export`, which `torch.export.load`
                reads); None goes by the suffix. `quantize="int8"` makes the networks' weights whole
                numbers of 8 bits, by onnxruntime; `data=` are labelled data then, of which the
                first quarter calibrates photos' activations, and the rest are scored before and
                after: `training` and so the card tell it, and the file's metadata (`int8`).

        Raises:
            NotImplementedError: models of this class cannot be written so.
        """
        raise self._refusal("export")

    def interface(self) -> Interface:
        """How the model is asked: what an input consists of, and what answers and explains.

        See `zoo.core.interface`, from which `zoo demo` and `zoo app` make pages.

        Raises:
            NotImplementedError: models of this class cannot tell.
        """
        raise self._refusal("interface")

    def card(self, name: str = "model") -> str:
        """The model's card in Markdown, as `save` writes it.

        Args:
            name: what the example loads.
        """
        example = f'import zoo\n\nmodel = zoo.load("{name}")\n{self._example()}'
        return render(self._config(), load_example=example)

    def _export(self, path: str | os.PathLike[str], program: Program, how: How) -> Path:
        """Write a program of the model, see `export`; the card tells what 8 bits have cost."""
        place, scores = write_program(path, program, how)
        if scores:
            from zoo.core.int8 import ROW, in_words

            self.training = self.training | {ROW: in_words(scores)}
        return place

    def save(self, directory: Path | str) -> Path:
        """Write the artifact: config.json, model.safetensors, README.md, history.csv.

        Raises:
            FileExistsError: the directory holds something else than an artifact.
            ValueError: the spec holds what JSON does not keep, or weights are no finite numbers.
        """
        learn = self._learner
        run = {} if learn is None else learn.run_files(directory, self.members)
        return self.write(directory, run)

    def write(self, directory: Path | str, run: dict[str, Any]) -> Path:
        """Write the artifact as `save` does, beside files of a run, see `Learner.run_files`."""
        config = self._config()
        partners = [] if self.blend is None else [*self.blend.partners]
        modules: list[nn.Module] = [*self.members, *partners]
        for module in modules:
            artifact.require_finite(module, dict(module.state_dict()))
        return artifact.write(
            directory,
            config,
            [*self._weights(), *(dict(partner.state_dict()) for partner in partners)],
            self.history,
            self.card(Path(directory).name),
            seen_rows=self.seen_rows,
            familiar=self.familiar,
            examples=self.examples,
            **run,
        )

    def published(self) -> Model[Any, Any]:
        """The model as `push` sends it: a domain whose models tell of users leaves them out."""
        return self

    def require_storable(self) -> None:
        """Refuse what could not be saved, or not be loaded again, before anything is lost.

        Raises:
            ValueError: settings, labels or names are nothing that an artifact keeps.
        """
        config = config_of(json.loads(self._config().to_json()))
        try:
            self._check_config(config)
        except ValueError as error:
            raise ValueError(
                f"a model must be one that can be loaded again, got one of which {error}. Change "
                "the setting, label or name in question."
            ) from error

    def record(self) -> dict[str, Any]:
        """Architecture, arguments, spec and options by name, to compare two calls."""
        config = self._config()
        arguments = {f"model's {name}": value for name, value in config.model["args"].items()}
        spec = {f"spec's {name}": value for name, value in config.spec.items()}
        return {"model": config.model["name"], **arguments, **spec, **config.training}

    def learner(self) -> Learner[S, Self]:
        """The learner that trained the model, or a new one without data: `set_data` gives it some.

        Raises:
            ValueError: the model is an ensemble, which is not trained as one.
        """
        if len(self.members) > 1:
            raise ValueError(
                f"a learner must train one network, got an ensemble of {len(self.members)}. "
                "Fine-tune one of its members."
            )
        earlier = self._learner
        if earlier is not None and earlier.model is self.members[0]:
            return earlier
        nothing: Any = None
        self._learner = Learner(
            self.members[0],
            earlier.data if earlier else Data(nothing, None, self.spec),
            self._task(),
            batchnorm=self.batchnorm,
            as_model=self._after,
            run=self.run,
        )
        return self._learner

    def _refusal(self, capability: str) -> NotImplementedError:
        """The error of a capability that the class lacks; it names those that the class has."""
        classes = type(self).__mro__[: type(self).__mro__.index(Model)]
        own = {name for each in classes for name, value in vars(each).items() if callable(value)}
        return NotImplementedError(
            f"a model must offer {capability}() to be asked for it, got a {type(self).__name__}, "
            f"which does not. It offers {', '.join(sorted(n for n in own if n[0] != '_'))}."
        )

    def _config(self) -> Config:
        """The content of config.json."""
        task, name, arguments = self._built()
        training = self.training.items()
        blend = [] if self.blend is None else self.blend.to_json()
        format_ = getattr(self.spec, "format", 1)
        return Config(
            domain=self.domain,
            task=task,
            model={"name": name, "args": arguments},
            spec=self._spec_json(),
            members=artifact.weight_files(len(self.members) + len(blend)),
            licence=self.licence,
            data=without_folders(self.data),
            metrics=self.metrics,
            spread=self.spread,
            rivals=self.standings,
            blend=blend,
            temperature=None if self.blend is None else self.blend.temperature,
            errors={} if self.errors is None else self.errors.to_json(),
            training={k: without_folders(v) if isinstance(v, str) else v for k, v in training},
            extra=self.extra,
            format=max(format_, 2) if self.blend or self.errors else format_,
        )

    def _check_config(self, config: Config) -> None:
        """Refuse a config that this domain's `load` would refuse; domains check more.

        Raises:
            ValueError: it would.
        """
        spec: Any = self.spec
        type(spec).from_json(config.spec)

    def _warn_of_seen_rows(self, hashes: Hashes) -> None:
        """Warn if rows that are scored were trained on, by their content hashes."""
        share = 0.0 if self.seen_rows is None else self.seen_rows.share(hashes)
        if share > TOLERABLE_SHARE:
            warn(
                f"about {share:.0%} of the {len(hashes)} rows were trained on, so their scores are "
                "better than those of new ones; score rows that the model has not seen"
            )

    @property
    def rivals(self) -> pd.DataFrame | None:
        """Share in the prediction, loss, metrics and seconds of the network and of cheap models.

        A row each, on the validation part; None if no cheap model took part.
        """
        import pandas as pd

        return pd.DataFrame(self.standings).set_index("name") if self.standings else None

    def answers(self, decoded: Tensor, names: Any) -> pd.DataFrame:
        """Decoded predictions as a table: of classes, a column of probabilities each.

        Args:
            decoded: NaN where there is none. Shape: (n, n_classes)
            names: what the rows are called.
        """
        import pandas as pd

        spec: Any = self.spec
        return pd.DataFrame(decoded.numpy(), pd.Index(names), list(spec.classes))

    @property
    def _scored(self) -> str:
        """The metrics in a line."""
        scores = ", ".join(f"{name} {value:.4g}" for name, value in self.metrics.items())
        return scores or "not scored"

    def _covered(
        self,
        decoded: Tensor,
        coverage: float,
        randomised: bool = False,
        difficulty: NDArray[np.float64] | None = None,
    ) -> list[Any]:
        """A `PredictionSet` or an `Interval` for each row of decoded predictions.

        Raises:
            ValueError: the coverage is no share, nobody knows how wrong the model is, or randomised
                sets are asked for of numbers.
        """
        check_coverage(coverage)
        if self.errors is None:
            raise ValueError(
                "a model must have been judged on held-out rows, one class or number each, to give "
                f"sets and intervals, got {self!r:.100}. Train it with folds=5."
            )
        said = decoded.double().numpy()
        if isinstance(self.errors, ClassErrors):
            sets = self.errors.sets(
                said, coverage, randomised=randomised, seed=self.run.seed
            ).tolist()
            classes: Any = getattr(self.spec, "classes", ())
            pairs = zip(said.tolist(), sets, strict=True)
            return [PredictionSet.within(classes, row, inside) for row, inside in pairs]
        if randomised:
            raise ValueError("randomised must be asked for of classes, got a model of numbers.")
        middle = said.reshape(-1)
        margins = self.errors.margins(middle, coverage, difficulty)
        ends = (middle.tolist(), (middle - margins).tolist(), (middle + margins).tolist())
        return [*map(Interval, *ends)]

    def trained_on(self, hashes: Hashes) -> NDArray[np.bool_]:
        """Which inputs it was certainly trained on, by the hashes of their content. Shape: (n,)"""
        seen = self.seen_rows
        return np.zeros(len(hashes), bool) if seen is None else seen.certain(hashes)

    def keep_examples(self, inputs: Any, columns: Mapping[str, Sequence[Any]]) -> Self:
        """Keep training examples as evidence, and save them with a model that a run has saved.

        Args:
            inputs: what `embed` takes.
            columns: what is shown of each, such as its label.
        """
        self.examples = Examples.of(self.embed(inputs), columns)
        if self.run.out is not None and rank_and_world()[0] == 0:
            self.save(self.run.out)
        return self

    def _alike(self, vector: NDArray[np.float32]) -> pd.DataFrame | None:
        """The kept examples that are most alike a vector; None if there are none. Shape: (d,)"""
        return None if self.examples is None else self.examples.alike(vector)

    def _verdicts(
        self,
        strangeness: Callable[[Statistics], NDArray[np.float64]],
        rate: bool | float,
        reason: Callable[[int, float], str] = lambda row, limit: "",
    ) -> list[Unknown]:
        """Whether each input is unlike those of the training.

        Args:
            strangeness: the model's statistics -> how strange each is. Shape: (n,)
            rate: of false alarms, see `zoo.core.trust.unknown`.
            reason: the number of an unknown input, and the strangeness from which on inputs are
                unknown -> what is strange about it.

        Raises:
            ValueError: the rate is none, or nobody knows what inputs were like.
        """
        if self.familiar is None:
            raise ValueError(
                "a model must know what inputs were like to tell unknown ones, got "
                f"{self!r:.100}, which is an ensemble, was made by an earlier version, or was not "
                "judged on held-out rows. Train one network with folds=5."
            )
        limit = self.familiar.limit(rate)
        with artifact.built("a model that knows ordinary inputs"):
            each = strangeness(self.familiar.statistics).tolist()
        far = [one > limit for one in each]
        whys = [reason(row, limit) if is_far else "" for row, is_far in enumerate(far)]
        return [*map(Unknown, far, each, whys)]

    @cached_property
    def _placed(self) -> Placed[Network]:
        """The networks where they compute."""
        return Placed(self.members, self.run, self.layout, self.blend)

    @abstractmethod
    def _built(self) -> tuple[str, str, dict[str, Any]]:
        """For config.json: the task, the network's name and its arguments."""

    @abstractmethod
    def _example(self) -> str:
        """For the card: Python that predicts with `model`."""

    @abstractmethod
    def _task(self) -> Task:
        """Loss and metrics."""

    def _weights(self) -> list[dict[str, Tensor]]:
        """The tensors of each member, as they are stored."""
        return [dict(member.state_dict()) for member in self.members]

    def _spec_json(self) -> dict[str, Any]:
        spec: Any = self.spec
        tree: dict[str, Any] = spec.to_json()
        return tree

    def _scores(self, batches: Batches) -> dict[str, float]:
        """Loss and metrics on batches."""
        return self._placed.evaluate(batches.epoch(0), self._task())

    def _validation_scores(self) -> dict[str, float]:
        """What `evaluate()` without data returns: scores on the validation part.

        Raises:
            ValueError: the model was neither validated nor is there a validation part.
        """
        learn = self._learner
        if learn is not None and learn.data.valid is not None and not self._was_judged:
            return self._scores(learn.data.valid)
        if not self.metrics:
            raise ValueError(NO_VALIDATION)
        return dict(self.metrics)

    def _after(self, learn: Learner[S, Any], networks: Sequence[Any], **record: Any) -> Self:
        """What the model has become by further training, its scores yet to be taken."""
        known = {
            "history": learn.history,
            "data": self.data,
            "training": self.training,
            "licence": self.licence,
            "extra": self.extra,
            "seen_rows": _seen_rows(learn, self.seen_rows),
            "learner": learn,
            "run": self.run,
        }
        return self._with(networks, learn.data.spec, **known | record)

    def _with(self, networks: Sequence[Network], spec: S, **record: Any) -> Self:
        """A model of other networks, its record as given."""
        return type(self)(networks, spec, **record)


AnyModel = TypeVar("AnyModel", bound=Model[Any, Any])


def finished(
    learn: Learner[Any, AnyModel],
    unscored: dict[str, float] | None = None,
    record: Mapping[str, Any] | None = None,
    saved_by: Learner[Any, Any] | None = None,
) -> AnyModel:
    """The domain's model with its scores on the validation part; saved if the run has a folder.

    Args:
        learn: the learner, trained.
        unscored: metrics of a model that is not validated; None leaves it without any.
        record: what else is known of the model, such as its blend; what it says of the training is
            added.
        saved_by: the learner into whose folder the model is saved; None takes `learn`.
    """
    model, owner = learn.as_model(**record or {}), saved_by or learn
    model.metrics = model.metrics or unscored or {}
    if owner.run.out is not None and rank_and_world()[0] == 0 and not owner.state.is_finished:
        model.write(owner.run.out, owner.run_files(owner.run.out, model.members))
    owner.state.release()
    if shared := accelerator():
        shared.wait_for_everyone()  # who goes on may load what the first has saved
    return model


def learner_of(
    network: nn.Module,
    data: Data[S],
    task: Task,
    model_class: Callable[..., AnyModel],
    options: TrainingOptions,
    *,
    source: str,
    record: Mapping[str, Any],
    batchnorm: BatchNormMode = "thawed",
    callbacks: Sequence[Any] = (),
    seen_before: SeenRows | None = None,
    **kept: Any,
) -> Learner[S, AnyModel]:
    """The learner of a domain's model; `as_model` takes the spec from the learner's data.

    Args:
        network: the network to train.
        data: its batches and spec.
        task: loss, decoding and metrics.
        model_class: makes the model of networks, spec and the record as keyword arguments.
        options: all options of the verb, see `OptionTable.complete`.
        source: what the model is trained on, in a few words, see `source`.
        record: what the card tells of the training beside what every learner knows.
        batchnorm: see `Learner`; an option of that name comes first.
        callbacks: those of the recipe, after the user's own.
        seen_before: rows that the pretrained model had been trained on.
        **kept: further record of the pretrained model, such as its licence.
    """

    def as_model(
        learn: Learner[S, AnyModel], networks: Sequence[nn.Module], **more: Any
    ) -> AnyModel:
        known = {
            "history": learn.history,
            "data": source,
            "training": {**record, **training_of(learn), **more.pop("training", {})},
            "seen_rows": _seen_rows(learn, seen_before),
            "learner": learn,
            "run": learn.run,
        }
        return model_class(networks, learn.data.spec, **known | kept | more)

    require_rows(network, options["batch_size"])
    names = ("optimizer", "weight_decay", "clip", "accumulate", "batchnorm", "run")
    training: dict[str, Any] = {name: value for name, value in options.items() if name in names}
    tracking = tracking_of(options)
    listeners = [] if tracking is None else [tracking.at("")]
    training["callbacks"] = [*(options["callbacks"] or ()), *listeners, *callbacks]
    return Learner(network, data, task, as_model=as_model, **{"batchnorm": batchnorm} | training)


def source(data: Any) -> str:
    """What a model was trained on, in a few words: a file's name, or the kind of object."""
    return Path(data).name if isinstance(data, (str, os.PathLike)) else type(data).__name__


def training_of(learn: Learner[Any, Any]) -> dict[str, Any]:
    """How a learner has trained, for the card: the rates are those of its last fit."""
    rates: dict[str, Any] = {}
    if learn.rates:
        low, high = learn.rates[0], learn.rates[-1]
        rates["lr"] = _short(high)
        if low != high:
            rates["ratio"] = _short(high / low)
    if learn.interrupted:
        rates["interrupted"] = learn.cut_short
    return {
        "epochs": learn.epoch,
        **rates,
        "optimizer": learn.optimizer if isinstance(learn.optimizer, str) else repr(learn.optimizer),
        "batchnorm": learn.batchnorm,
        "weight_decay": learn.weight_decay,
        "clip": learn.clip,
        "seed": learn.run.seed,
        "versions": versions(),
    }


def _seen_rows(learn: Learner[Any, Any], earlier: SeenRows | None) -> SeenRows | None:
    """The sketch of what a learner has trained on; None if its data tell no rows."""
    rows = learn.data.rows
    return earlier if rows is None else SeenRows.of(rows, earlier)


def _short(rate: float) -> float:
    return float(f"{rate:.6g}")
