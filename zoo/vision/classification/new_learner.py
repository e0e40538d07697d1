"""From data and options to the learner of a classifier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from zoo.core.batches import Data
from zoo.core.model import learner_of, source
from zoo.core.run import Run, seeded
from zoo.core.seen_rows import SeenRows
from zoo.core.training.mixing import CutMix, MixUp, OneOf
from zoo.core.trust.candidates import best_of
from zoo.vision.classification.candidates import at_hand, compared
from zoo.vision.classification.features import on_features
from zoo.vision.classification.model import PhotoLearner, PhotoModel
from zoo.vision.classification.options import OPTIONS, Options
from zoo.vision.classification.spec import Spec, spec_of
from zoo.vision.classification.task import task_of
from zoo.vision.data.balance import oversampled, weights_of
from zoo.vision.data.images import WHITE
from zoo.vision.data.labels import LabelOptions
from zoo.vision.data.listings import Listing
from zoo.vision.data.photo_sets import (
    PhotoSet,
    augmentation,
    batches,
    list_photos,
    open_photos,
)
from zoo.vision.data.sources import TableForm, column_names, table_facts
from zoo.vision.models.classifier import Classifier
from zoo.vision.pretrained import AUTO, NEW_HEAD, Pretrained, of_whole_photos, start


def new_learner(
    data: Any, first: Any, pretrained: Pretrained | None, options: Options
) -> PhotoLearner:
    """The learner of checked arguments.

    Args:
        data: see `finetune`.
        first: a backbone's name, or the model to go on with.
        pretrained: what the user named; None for random weights.
        options: the given ones.
    """
    settings, run = OPTIONS.complete(options), options.get("run") or Run()
    first = of_whole_photos(first)
    earlier = first if isinstance(first, PhotoModel) else None
    OPTIONS.require_used(settings, table_facts(data, settings["valid"]))
    form = _table_form(data, settings, earlier)
    share, valid = settings["valid_fraction"], settings["valid"]
    how: Any = {"seed": run.seed, "fold": settings["fold"], "group": settings["group"]}
    listing = list_photos(data, valid, valid_fraction=share, **how, **form)
    if first == AUTO:
        whole = Listing(listing.train, None)
        table = compared(at_hand(), lambda one: _on(whole, data, one, one, form, settings))
        first = pretrained = best_of(table)
    return _on(listing, data, first, pretrained, form, settings)


def _on(
    listing: Listing,
    data: Any,
    first: str | PhotoModel,
    pretrained: Pretrained | None,
    form: TableForm,
    settings: Options,
) -> PhotoLearner:
    """The learner on photos that are listed; see `new_learner`."""
    run = settings["run"] or Run()
    earlier = first if isinstance(first, PhotoModel) else None
    trained_on = earlier.seen_rows if earlier else None
    head = {k: v for k, v in settings.items() if k in NEW_HEAD and v is not None}
    with seeded(run.seed):
        network = start(first, listing, settings["size"], head, published=pretrained is not None)
    network = network.to(memory_format=torch.channels_last)
    spec = _spec(listing, network, earlier, form, augmentation(settings["augment"]))
    several, classes = spec.task == "multi-label", spec.task != "regression"
    OPTIONS.require_used(settings, {"several labels per photo": several, "classes": classes})
    photo_set = _opened(listing, spec, settings, run, trained_on)
    labels, batch_size = photo_set.train.labels, settings["batch_size"]
    weights = weights_of(settings["class_weights"], labels, spec.classes, spec.task)
    weights = weights if weights is None else weights.to(run.torch_device())
    parts = batches(photo_set, spec.preprocessing, run, batch_size=batch_size, augment=spec.augment)
    facts = {"pretrained": "" if pretrained is None else str(pretrained), "photos": len(labels)}
    learn = learner_of(
        network,
        Data(*parts, spec, photo_set.train.hashes, photo_set.origin),
        task_of(spec, label_smoothing=settings["label_smoothing"], weights=weights),
        _model,
        settings,
        source=source(data),
        record=facts | OPTIONS.record(settings),
        callbacks=_mixing(settings, len(spec.classes), run.seed),
        seen_before=trained_on,
        extra=earlier.extra if earlier else {},
    )
    if settings["precompute"]:
        on_features(learn, settings["versions"])
    return learn


def _opened(
    listing: Listing, spec: Spec, settings: Options, run: Run, trained_on: SeenRows | None
) -> PhotoSet:
    """The photos of a listing that can be read; rarer classes several times, if asked for."""
    strict = settings["strict"]
    photo_set = open_photos(listing, spec.preprocessing, run, strict=strict, trained_on=trained_on)
    if settings["oversample"]:
        photo_set = photo_set._replace(train=oversampled(photo_set.train, spec.task, run.seed))
    return photo_set


def _table_form(data: Any, settings: Options, earlier: PhotoModel | None) -> TableForm:
    """How a table is read: as the user says, else as the pretrained model remembers it."""
    columns, valid_column, root = settings["columns"], settings["valid_column"], settings["root"]
    separator, task = settings["separator"], settings["task"]
    if earlier is not None:
        names, spec = column_names(data), earlier.spec
        if columns is None and spec.columns is not None and {*spec.columns} <= {*names}:
            columns = spec.columns
        if valid_column is None and spec.valid_column in names:
            valid_column = spec.valid_column
        if names and separator is None and task in (None, spec.task):
            separator = None if settings["y_range"] else spec.separator
    options = LabelOptions(task, separator, settings["y_range"], settings["beta"])
    return TableForm(
        root=root,
        columns=columns,
        valid_column=valid_column,
        label_options=options,
        fix=settings["fix"],
    )


def _spec(
    listing: Listing, network: Classifier, earlier: PhotoModel | None, form: TableForm, augment: Any
) -> Spec:
    """What the model will need of the data; a trained head's outputs keep their meaning.

    Raises:
        ValueError: a trained head is to answer in another range.
    """
    photos, options = listing.train, form["label_options"]
    task_fields = options.task_fields(photos.task, [part.labels for part in listing.parts])
    if earlier is not None and network.trained:
        task_fields = earlier.spec.task_fields()
        if options.y_range not in (None, task_fields["y_range"]):
            raise ValueError(
                f"a trained head must keep its range {task_fields['y_range']}, got y_range="
                f"{options.y_range}. Leave it out, or start from {network.name!r}."
            )
        if options.beta is not None:
            task_fields["beta"] = options.beta
    white = listing.white or (earlier.spec.white if earlier else WHITE)
    fields = {"columns": form["columns"], "valid_column": form["valid_column"], **task_fields}
    shown = replace(network.preprocessing, white=white)
    return spec_of(photos.classes, shown, augment=augment, **fields)


def _mixing(settings: Options, n_classes: int, seed: int) -> list[Any]:
    """The batch edits that the settings name: one, or one of both by turns."""
    alphas = {MixUp: settings["mixup"], CutMix: settings["cutmix"]}
    edits = [kind(n_classes, alpha=a, seed=seed) for kind, a in alphas.items() if a]
    return [OneOf(edits, seed=seed)] if len(edits) > 1 else edits


def _model(
    networks: Sequence[Classifier], spec: Spec, *, training: dict[str, Any], **record: Any
) -> PhotoModel:
    """The model of a learner, whose card tells the size and dropout that it has now."""
    current = {"size": spec.size, "dropout": networks[0].head.dropout}
    return PhotoModel(networks, spec, training=training | current, **record)
