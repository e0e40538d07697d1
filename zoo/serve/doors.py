"""What a model is asked over the network: each domain's request, and how the model answers many.

A door reads one input from the body of a request, and gives the answers for several at once as
plain values, or as PNG files where a model draws.
"""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from PIL import Image

from zoo.core.model import Model
from zoo.core.predictions import Prediction, record_of
from zoo.serve.limits import Limits

Schema = dict[str, Any]
TEXT: Final[Schema] = {"type": "string"}
ID: Final[Schema] = {"type": ["string", "integer"]}
SHARES: Final[Schema] = {"type": "object", "additionalProperties": {"type": "number"}}
SHOWN: Final = 20  # values of a column that the schema names as examples
DIGITS: Final = 19  # from which on a whole number may have more than 64 bits
LONGEST: Final = 1000  # items of a list


@dataclass(frozen=True)
class Door:
    """One path of a server.

    Attributes:
        path: under which it is asked.
        summary: what it answers, for the OpenAPI description.
        takes: schema of the request's body by its media type.
        gives: schema of the answer by its media type.
        read: from a body to an input; raises ValueError with a sentence.
        answer: from inputs to as many answers, or a ValueError if one of them is not sound.
    """

    path: str
    summary: str
    takes: Mapping[str, Schema]
    gives: Mapping[str, Schema]
    read: Callable[[bytes], Any]
    answer: Callable[[Sequence[Any]], Sequence[Any]]


def doors_of(model: Model[Any, Any], limits: Limits) -> list[Door]:
    """The doors of a model."""
    return DOMAINS[model.domain](model, limits)


def _of_photos(model: Any, limits: Limits) -> list[Door]:
    draws = hasattr(model, "output")
    answer = partial(_drawn if draws else _predicted, model)
    gives = {"image/png": {"type": "string", "format": "binary"}} if draws else _said(model)
    photo: Schema = {"image/*": {"type": "string", "format": "binary"}}
    read = partial(_photo, most=limits.megapixels * 1e6)
    return [
        Door("/predict", "Answer for a photo: the bytes of its file", photo, gives, read, answer)
    ]


def _of_texts(model: Any, limits: Limits) -> list[Door]:
    schema, n = TEXT, getattr(model.spec, "n_texts", 1)
    if n > 1:
        schema = {"type": "array", "items": TEXT, "minItems": n, "maxItems": n}
    takes = _object({"text": schema})
    read = partial(_text, n=n)
    is_next = not hasattr(model.spec, "classes") or model.spec.task == "language-model"
    answer, gives = partial(_predicted, model), _said(model)
    if is_next:
        answer, gives = partial(_continued, model), _json({"label": TEXT, "probabilities": SHARES})
    summary = "Tell the likeliest next words" if is_next else "Answer for a text"
    return [Door("/predict", summary, takes, gives, read, answer)]


def _of_tables(model: Any, limits: Limits) -> list[Door]:
    spec = model.spec
    columns: dict[str, Schema] = {}
    for category in spec.categories:
        values = [value for value in category.values if value is not None]
        kind = ["string", "number", "boolean", "null"]
        columns[str(category.name)] = {"type": kind, "examples": values[:SHOWN]}
    for number in spec.numbers:
        kind = ["string", "number", "null"] if number.kind == "time" else ["number", "null"]
        columns[str(number.name)] = {"type": kind, "examples": [number.median]}
    names = {str(name): name for name in spec.inputs}

    def read(body: bytes) -> dict[Any, Any]:
        row = _of_json(body)
        return {names.get(name, name): cell for name, cell in row.items()}

    gives = _said(model)
    answer = partial(_rows, model)
    return [Door("/predict", "Answer for a row of a table", _object(columns), gives, read, answer)]


def _of_ratings(model: Any, limits: Limits) -> list[Door]:
    pair = _object({"user": ID, "item": ID})
    rating = _json({"value": {"type": "number"}})
    liked: Schema = {"type": ["object", "array"], "description": "ratings by item, or items"}
    visitor = _object({"ratings": liked, "user": ID, "k": {"type": "integer", "default": 10}}, [])
    items = _json({"items": {"type": "array", "items": {"type": "object"}}})
    return [
        Door("/predict", "Rate a pair", pair, rating, _pair, partial(_rated, model)),
        Door(
            "/recommend",
            "List items for a visitor by ratings, or for a known user",
            visitor,
            items,
            partial(_visitor, items={str(one): one for one in model.spec.items}),
            partial(_listed, model),
        ),
    ]


DOMAINS: Final[Mapping[str, Callable[[Any, Limits], list[Door]]]] = {
    "vision": _of_photos,
    "text": _of_texts,
    "tabular": _of_tables,
    "collab": _of_ratings,
}


# ---- from bodies to inputs -----------------------------------------------------------------------


def _of_json(body: bytes) -> dict[str, Any]:
    """The object that a body holds.

    Raises:
        ValueError: it holds none.
    """
    try:
        value = json.loads(body, parse_int=_whole)
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"a request must be JSON, got {body[:40]!r} ({error!s:.80}). See /openapi.json."
        ) from None
    if not isinstance(value, dict):
        raise ValueError(
            f"a request must be a JSON object, got a {type(value).__name__}. See /openapi.json."
        )
    return value


def _whole(text: str) -> int | float:
    """A whole number; beyond 64 bits the nearest float, as other programs read JSON."""
    return int(text) if len(text) < DIGITS else float(text)


def _field(value: Mapping[str, Any], name: str) -> Any:
    """A field that must be there."""
    if name not in value:
        names = ", ".join(map(repr, [*value][:8]))
        raise ValueError(
            f"a request must have the field {name!r}, got {names or 'none'}. See /openapi.json."
        )
    return value[name]


def _photo(body: bytes, *, most: float) -> bytes:
    """The bytes of an image that is not too large.

    Raises:
        ValueError: it is, or nothing at all.
    """
    from zoo.vision.data.images import open_image

    if not body:
        raise ValueError("a request must hold the bytes of a photo, got none. Send an image file.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            size = open_image(io.BytesIO(body)).size
    except Exception as error:  # Pillow's plugins raise a dozen kinds
        raise ValueError(
            f"a photo must be an image file, got {len(body)} bytes of something else "
            f"({type(error).__name__}). Send a JPEG or PNG file."
        ) from None
    if size[0] * size[1] > most:
        raise ValueError(
            f"a photo must have {most / 1e6:g} million pixels or fewer, got {size[0]} x {size[1]}. "
            "Send a smaller one."
        )
    return body


def _text(body: bytes, *, n: int) -> Any:
    """A text, or a pair of them."""
    value = _field(_of_json(body), "text")
    if n == 1:
        if isinstance(value, str):
            return value
        raise ValueError(f"text must be a string, got {value!r:.40}. See /openapi.json.")
    if isinstance(value, list) and len(value) == n and all(isinstance(x, str) for x in value):
        return tuple(value)
    raise ValueError(f"text must be a list of {n} strings, got {value!r:.40}. See /openapi.json.")


def _plain_cells(row: Mapping[Any, Any]) -> dict[Any, Any]:
    """A row without lists and objects, which no cell of a table is."""
    return {
        name: str(cell) if isinstance(cell, (list, dict)) else cell for name, cell in row.items()
    }


def _id_of(value: Mapping[str, Any], name: str) -> Any:
    one = _field(value, name)
    if isinstance(one, bool) or not isinstance(one, (str, int)):
        raise ValueError(f"{name} must be an id, text or a whole number, got {one!r:.40}.")
    return one


def _pair(body: bytes) -> tuple[Any, Any]:
    value = _of_json(body)
    return _id_of(value, "user"), _id_of(value, "item")


def _visitor(body: bytes, *, items: Mapping[str, Any]) -> dict[str, Any]:
    """What a list is made by; JSON has texts alone for keys, whatever the ids are."""
    value = _of_json(body)
    k = value.get("k", 10)
    if isinstance(k, bool) or not isinstance(k, int) or not 1 <= k <= LONGEST:
        raise ValueError(f"k must be a whole number from 1 to {LONGEST}, got {k!r:.40}.")
    if "ratings" not in value:
        return {"user": _id_of(value, "user"), "k": k}
    ratings = value["ratings"]
    if not isinstance(ratings, (dict, list)) or not ratings:
        raise ValueError(f"ratings must be an object or a list of items, got {ratings!r:.40}.")
    numbers = ratings.values() if isinstance(ratings, dict) else ()
    if any(isinstance(one, bool) or not isinstance(one, (int, float)) for one in numbers):
        raise ValueError(f"ratings must be numbers by item, got {ratings!r:.60}.")
    if isinstance(ratings, list) and any(not isinstance(one, (str, int)) for one in ratings):
        raise ValueError(f"ratings must be ids of items, got {ratings!r:.60}.")
    if isinstance(ratings, dict):
        ratings = {items.get(name, name): one for name, one in ratings.items()}
    return {"ratings": ratings, "k": k}


# ---- from inputs to answers ----------------------------------------------------------------------


def _predicted(model: Any, inputs: Sequence[Any]) -> list[dict[str, Any]]:
    """Photos and texts: their labels, or numbers."""
    k = max(len(model.spec.classes), 1)
    return [record_of(one, k) for one in model.predict(list(inputs))]


def _drawn(model: Any, inputs: Sequence[Any]) -> list[bytes]:
    """Photos: what the model draws, as PNG."""
    files = []
    for answer in model.predict(list(inputs)):
        image: Image.Image = model._image(answer)
        image.save(file := io.BytesIO(), "PNG")
        files.append(file.getvalue())
    return files


def _continued(model: Any, inputs: Sequence[Any]) -> list[dict[str, Any]]:
    """Texts: their likeliest next words."""
    answers = model.predict(list(inputs))
    return [Prediction.of(*zip(*words, strict=True)).record(len(words)) for words in answers]


def _rows(model: Any, inputs: Sequence[Any]) -> list[dict[str, Any]]:
    """Rows: their classes or numbers."""
    rows = [_plain_cells(row) for row in inputs]
    if model.spec.classes:
        table, classes = model.probabilities(rows), list(model.spec.classes)
        shares = table.to_numpy().tolist()
        return [record_of(Prediction.of(classes, row), len(classes)) for row in shares]
    answers = model.predict(rows)
    if answers.ndim == 1:
        return [{"value": one} for one in answers.tolist()]
    return [{"values": row} for row in answers.to_dict("records")]


def _rated(model: Any, pairs: Sequence[tuple[Any, Any]]) -> list[dict[str, Any]]:
    """Pairs: their ratings."""
    users, items = zip(*pairs, strict=True)
    return [{"value": one} for one in model.predict([*users], [*items]).tolist()]


def _listed(model: Any, visitors: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Visitors and users: their lists."""
    found = []
    for one in visitors:
        k = min(one["k"], len(model.spec.items))
        asked = (
            model.fold_in(one["ratings"]).recommend
            if "ratings" in one
            else partial(model.recommend, one["user"])
        )
        found.append({"items": asked(k=k).to_dict("records")})
    return found


# ---- schemas -------------------------------------------------------------------------------------


def _object(properties: Mapping[str, Schema], required: Sequence[str] | None = None) -> Any:
    needed = list(properties) if required is None else list(required)
    schema = {"type": "object", "properties": dict(properties), "required": needed}
    return {"application/json": schema}


def _json(properties: Mapping[str, Schema]) -> Any:
    return _object(properties)


def _said(model: Any) -> Any:
    """The schema of what `record_of` makes of a model's answers."""
    spec = model.spec
    task = getattr(spec, "task", "")
    if task == "regression":
        many = len(getattr(spec, "targets", ())) > 1
        return _json({"values": SHARES} if many else {"value": {"type": "number"}})
    labels: Schema = {"enum": list(spec.classes)}
    if task == "multi-label":
        return _json({"labels": {"type": "array", "items": labels}, "probabilities": SHARES})
    probability: Schema = {"type": "number", "minimum": 0, "maximum": 1}
    return _json({"label": labels, "probability": probability, "probabilities": SHARES})
