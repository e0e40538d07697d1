"""What the published models are for: the part of their cards that no program measures."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from zoo.data.registry import find
from zoo.published import digits


@dataclass(frozen=True)
class Publication:
    """One embedded checkpoint; see `zoo.core.card.Card` for what is not said here.

    Attributes:
        data: name of a registered data set, or what the card says of another.
        licence: of the weights.
        program: in scripts/, whose CSV has the same name.
        where: values that its rows must have.
    """

    title: str
    use: str
    limits: str
    preprocessing: str
    data: str | dict[str, str]
    split: str
    licence: str
    program: str
    protocol: str
    metrics: tuple[str, ...]
    example: str
    where: dict[str, str] = field(default_factory=dict)

    def source(self) -> dict[str, str]:
        """The data set, as the card tells it."""
        if isinstance(self.data, dict):
            return self.data
        known = find(self.data)
        return {
            "name": known.name,
            "title": known.title,
            "licence": known.licence,
            "citation": known.citation,
            "address": known.address or f"To get it: {known.how}.",
        }


PUBLICATIONS: Final = {
    "movielens-100k": Publication(
        title="MovieLens-100k: films without users",
        use="Ratings and lists of films for whoever gives some ratings: `fold_in` places a new "
        "user without training. `similar` finds films that are liked alike. Films are known by "
        "their numbers in MovieLens-100k's `u.item`; join titles from your own copy "
        '(`zoo.data.get("movielens-100k")`).',
        limits="1,682 films up to 1998, rated by 943 people of one university's web site in "
        "1997-98: no taste of today, nobody else's either. It holds no users, no titles and no "
        "list of who rated what; what remains of users is the mean and the covariance of their "
        "vectors. Not for commercial use.",
        preprocessing="Ratings from 1 to 5 in whole stars; item numbers as in `u.item`. Genres and "
        "year of films, age, gender and occupation of users helped the training and are not needed "
        "any more. Matrices are stored in half precision.",
        data="movielens-100k",
        split="the test part of fold u1, each user placed by `fold_in` from the base part",
        licence="cc-by-nc-4.0",
        program="collab_items",
        protocol="movielens",
        metrics=("rmse",),
        example="visitor = model.fold_in({50: 5, 181: 4, 1: 3})\nvisitor.recommend(k=3)",
    ),
    "digits": Publication(
        title="Handwritten digits: EfficientNet-Lite0",
        use="Reading single handwritten digits, dark on light, one in the middle of a photo; and "
        "as a small example of a published photo classifier, to be fine-tuned further.",
        limits="It has learnt from digits of 43 people, scanned at 8 x 8 pixels and enlarged to "
        "64: other pens, tilted or several digits, and anything that is no digit are outside of "
        "what it knows, and it will still name a digit.",
        preprocessing="Photos are cropped at the centre, resized to 64 x 64 (bicubic), scaled to "
        "-1..1. Rotation, zoom and warp in training, no mirror images. Matrices are stored in half "
        "precision.",
        data=digits.DATA,
        split="the third of the digits that is held out",
        licence="apache-2.0",
        program="vision_digits",
        protocol="digits",
        metrics=("accuracy",),
        example='model.predict("seven.png")',
    ),
}  # name, without "zoo/" -> what its card says
