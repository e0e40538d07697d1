"""Lists of ten items: what a user chose beside, or after, what is known. nDCG@10, all items ranked.

Every pair of the test part is relevant, whatever its rating; pairs of the training part are not
ranked, and items that nobody chose in the training part cannot be found, so they are not asked for.
Sets with an order are scored on the last item of each user, or on the latest fifth; others on
pairs that the seed draws.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

import numpy as np
import pandas as pd

from benchmarks.arena.scoring import Problem
from benchmarks.arena.sets.archives import folder
from benchmarks.arena.sets.parts import Parts
from benchmarks.arena.sets.stars import filmtrust
from benchmarks.arena.task import Task
from zoo.collab.data.ratings import split
from zoo.published import movielens

PAIR: Final = ["user", "item"]
TEST: Final = 0.2  # of the pairs, where no split is usual
QUARTER: Final = 0.25  # of each film's, as the benchmark of the recommenders repository has it
FEWEST: Final = 3  # choices of a user, where the last is to be found


def problem(name: str, train: pd.DataFrame, test: pd.DataFrame, seed: int) -> Problem:
    """Two parts as a problem: one list for each user who has something to find."""
    train = train.drop_duplicates(PAIR, ignore_index=True)
    known = test["user"].isin(train["user"]) & test["item"].isin(train["item"])
    test = test.loc[known, PAIR].drop_duplicates()
    both = test.merge(train[PAIR], how="left", on=PAIR, indicator=True)
    truth = both.loc[both["_merge"] == "left_only", PAIR].reset_index(drop=True)
    users = pd.DataFrame({"user": np.sort(truth["user"].unique())})
    return Problem(Task(name, "lists", "ndcg@10", "item", train, users, seed), truth)


def movielens_quarter(seed: int) -> Problem:
    """A quarter of every film's ratings."""
    return problem("ml-100k", *split(movielens.ratings(), "item", QUARTER, seed), seed)


def at_random(name: str, read: Callable[[], pd.DataFrame], seed: int) -> Problem:
    """A fifth of the pairs."""
    return problem(name, *split(read(), "random", TEST, seed), seed)


def hetrec() -> pd.DataFrame:
    """Artists by listener, with the number of plays."""
    frame = pd.read_csv(folder("rec-hetrec_lastfm") / "user_artists.tsv", sep="\t")
    return frame.set_axis(["user", "item", "rating"], axis=1)


def shopping(seed: int) -> Problem:
    """Products by household; the latest fifth of the purchases, those that are new to it."""
    frame = pd.read_csv(folder("rec-complete_journey") / "transactions_sample.csv")
    names = {"household_id": "user", "product_id": "item", "transaction_timestamp": "time"}
    frame = frame.rename(columns=names)[list(names.values())]
    times = pd.to_datetime(frame["time"]).astype("int64")
    frame = frame.assign(time=times - times.min()).sort_values("time", kind="stable")
    return problem("complete_journey", *split(frame, "time", TEST, seed), seed)


def all_but_one(seed: int) -> Problem:
    """Areas of a site by visitor; one that the seed draws is to be found."""
    frame = pd.read_csv(folder("rec-msweb") / "interactions.csv")
    frame = frame.sample(frac=1, random_state=seed)
    has_more = frame.groupby("user")["item"].transform("size") > 1
    is_test = has_more & ~frame["user"].duplicated()
    return problem("msweb", frame[~is_test], frame[is_test], seed)


def last_item(name: str, read: Callable[[], pd.DataFrame], seed: int) -> Problem:
    """What each user chose last; users with fewer than three choices do not count."""
    return problem(name, *_last(read()), seed)


def _last(frame: pd.DataFrame) -> Parts:
    frame = frame.sort_values(["user", "time"], kind="stable")
    frame = frame[frame.groupby("user")["item"].transform("size") >= FEWEST]
    is_last = ~frame["user"].duplicated(keep="last")
    return frame[~is_last], frame[is_last]


def ml_1m() -> pd.DataFrame:
    """MovieLens-1M in order; the last item is left out where the one before it is missing.

    So the last item that is there is what such users are tested on (see the archive's remarks).
    """
    frame = pd.read_csv(folder("rec-ml1m_sasrec") / "interactions.csv")
    frame = frame.rename(columns={"pos": "time"})
    whole = frame.loc[frame["part"] == "valid_target", "user"]
    has_gap = (frame["part"] == "test_target") & ~frame["user"].isin(whole)
    return frame[~has_gap][["user", "item", "time"]]


def sequences(archive: str, file: str) -> pd.DataFrame:
    """A line per user: the user, then the items in order."""
    rows = [line.split() for line in (folder(archive) / file).read_text().splitlines()]
    return pd.DataFrame(
        [(int(user), int(item), time) for user, *items in rows for time, item in enumerate(items)],
        columns=["user", "item", "time"],
    )


def video_games() -> pd.DataFrame:
    """A pair per line, in order."""
    path = folder("rec-video_games_sasrec") / "Video.txt"
    frame = pd.read_csv(path, sep=r"\s+", names=PAIR)
    return frame.assign(time=np.arange(len(frame)))


def grocery() -> pd.DataFrame:
    """Pairs with their times."""
    frame = pd.read_csv(folder("rec-grocery_timestamps") / "interactions.csv")
    return frame.set_axis(["user", "item", "time"], axis=1)


IN_ORDER: Final[dict[str, Callable[[], pd.DataFrame]]] = {
    "ml-1m": ml_1m,
    "beauty": partial(sequences, "rec-sequences_beauty_lastfm", "Beauty.txt"),
    "lastfm": partial(sequences, "rec-sequences_beauty_lastfm", "LastFM.txt"),
    "video_games": video_games,
    "grocery": grocery,
}
SETS: Final[dict[str, Callable[[int], Problem]]] = {
    "ml-100k": movielens_quarter,
    "filmtrust": partial(at_random, "filmtrust", filmtrust),
    "hetrec_lastfm": partial(at_random, "hetrec_lastfm", hetrec),
    "complete_journey": shopping,
    "msweb": all_but_one,
    **{name: partial(last_item, name, read) for name, read in IN_ORDER.items()},
}
