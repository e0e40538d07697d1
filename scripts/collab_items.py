"""MovieLens-100k, items alone: RMSE <= .915 for users who are new to the model, u1 to u5.

`svdpp` with features learns from the base part of each fold and then forgets its users
(`Recommender.without_users`); the rest is published as `zoo/movielens-100k`. Each user of the
test part is placed by `fold_in` from that user's ratings in the base part. The recipe is that of
`scripts/collab_folds.py`. Cost: 40 seconds to train on a fold with one core, and the placing of its
users one by one, which the seconds do not count.

    python -m scripts.collab_items --out items          # writes results/collab_items.csv
"""

from __future__ import annotations

import zoo
from scripts.lib.program import Program, program, summary, timed
from zoo.published import movielens

GOAL = 0.915


def trial(asked: Program, fold: int) -> float:
    """Train on a fold's base, leave the users out, score its test; a row of results."""
    base, test = movielens.ratings(f"u{fold}.base"), movielens.ratings(f"u{fold}.test")
    with timed() as spent:
        trained = zoo.collab.train(
            base,
            model="svdpp",
            epochs=1 if asked.smoke else None,
            valid_fraction=0,
            user_features=movielens.users(),
            item_features=movielens.items(),
            run=asked.run(fold),
        )
        items = trained.without_users()
    if asked.smoke:
        test = test[test["user"] < 20]
    rmse = movielens.rmse_of_new_users(items, base, test)
    asked.record(fold=fold, seed=fold, rmse=rmse, **spent())
    items.metrics = {"rmse": rmse}
    asked.keep(items, fold)
    return rmse


def main() -> None:
    """The five folds."""
    asked = program(__doc__, "collab_items.csv", seeds=5, first=1)
    errors = [trial(asked, fold) for fold in asked.seeds]
    print(summary("RMSE of new users", errors, f"at most {GOAL}"))


if __name__ == "__main__":
    main()
