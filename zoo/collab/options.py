"""The options of the verbs for ratings, stated once; see `zoo.core.options`.

This module imports neither torch nor pandas, so that the command line reads it at once.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from zoo.core.options import Chosen, Option, OptionTable
from zoo.core.training.options import TrainingOptions
from zoo.core.trust.options import InFolds, Judged, Mended

if TYPE_CHECKING:
    import pandas as pd

    Titles = Mapping[Hashable, str] | pd.Series
    Features = pd.DataFrame
else:  # what a shell cannot pass needs no type at run time
    Titles = Features = Any

ModelName = Literal[
    "dot_bias", "embedding_net", "svdpp", "softmax", "sasrec",
    "blend", "ease", "ials", "item_knn", "popular",
]  # fmt: skip
ComputedName = Literal["blend", "ease", "ials", "item_knn", "popular"]
ListName = Literal["blend", "ease", "ials", "item_knn", "popular", "softmax", "sasrec"]
SplitName = Literal["random", "user", "item", "time", "last"]

Architecture = Annotated[
    ModelName | None,
    Option(
        help="By default 'dot_bias' for stars, 'blend' for play counts and logs. 'dot_bias' (quick "
        "and good), 'svdpp' (better: also uses histories), 'embedding_net' (a multilayer net); or "
        "a model of lists, which ranks what might be chosen next and ignores ratings: 'blend' "
        "(best, of some of the next), 'ease', 'ials', 'item_knn', 'popular', 'softmax'; or "
        "'sasrec', which learns from the order of a log."
    ),
]


class Options(TrainingOptions, InFolds, Mended, total=False):
    """Options of every verb beside the model and the ratings."""

    user: Annotated[
        str | None, Option(help="Column of users; usual names are recognised, others remembered.")
    ]
    item: Annotated[str | None, Option(help="Column of items; usual names are recognised.")]
    rating: Annotated[
        str | None,
        Option(
            help="Column of ratings; usual names are recognised. 'softmax' needs none: every row "
            "then counts as 1."
        ),
    ]
    time: Annotated[
        str | None,
        Option(
            help="Column of times, numbers or dates written in one way: for a split by time, to "
            "tell which of repeated ratings is the last, and the order that 'sasrec' learns from."
        ),
    ]
    split: Annotated[
        SplitName,
        Option(
            help="How the validation share, or folds, are drawn: 'random', the same share of every "
            "'user' or 'item', the latest by 'time', or each user's 'last' rating whatever the "
            "share (folds by time then). In fine-tuning, only ratings that are new to the "
            "pretrained model are validated on.",
        ),
    ]
    y_range: Annotated[
        tuple[float, float] | None,
        Option(help="Lowest and highest rating predicted; by default a tenth beyond the data."),
    ]
    titles: Annotated[
        Titles | None, Option(cli=False, help="Text to show for each item, by its id.")
    ]
    user_features: Annotated[
        Features | None,
        Option(
            cli=False,
            help="Features of users, one row per id (its index), for 'dot_bias' and 'svdpp'.",
        ),
    ]
    item_features: Annotated[
        Features | None, Option(cli=False, help="Features of items, in the same form.")
    ]
    lists: Annotated[
        ListName | Literal["none"],
        Option(
            default="blend",
            help="Model of lists beside one of ratings, which recommends then: 'blend' of "
            "EASE, implicit ALS and what is popular, one of them alone, 'softmax', 'sasrec' where "
            "there are times, or 'none'. In fine-tuning the model's own, unless it is stated.",
        ),
    ]
    n_factors: Annotated[
        int | None, Option(low=1, help="Width of a vector; by default the model's own.")
    ]
    members: Annotated[
        int | None,
        Option(low=1, help="Members of 'dot_bias' or 'svdpp', whose mean is the prediction."),
    ]
    hidden: Annotated[
        Sequence[int] | None,
        Option(low=1, fewest=1, help="Widths of the layers of 'embedding_net'."),
    ]
    dropout: Annotated[
        float | None,
        Option(low=0, high=1, help="Dropout of 'embedding_net', 'softmax' and 'sasrec'."),
    ]
    negatives: Annotated[
        int | None,
        Option(
            low=0,
            help="Items that 'softmax' draws against those chosen in a batch, or 'sasrec' where "
            "it is not 0, which takes all.",
        ),
    ]
    length: Annotated[
        int | None, Option(low=2, help="Number of latest items that 'sasrec' looks at.")
    ]


OPTIONS = OptionTable(
    Options,
    batch_size=Chosen("the model's own"),
    weight_decay=Chosen("the model's own"),
    split=Chosen("random; 'last' for 'sasrec'"),
)


class FitOptions(Options, Judged, total=False):
    """What `train` and `finetune` take beside the ratings."""


FIT_OPTIONS = OPTIONS.extended(FitOptions)
