"""The methods of the arena by name: what they answer for, and in which environment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from benchmarks.arena.task import DOMAINS, Domain

OURS: Final = "zoo"  # what the names of the library's own calls begin with


@dataclass(frozen=True)
class Entry:
    """A method.

    Attributes:
        name: in the rows.
        place: module in this package and function in it, which takes a task and returns an answer.
        domains: what it answers for.
        packages: distributions whose versions the row states; a peer needs all of them.
        about: what it is, for the page.
        uses_budget: whether its answer depends on the budget; others are run once, and count for
            every budget that they keep within.
        sets: the only ones that it answers for; none where it answers for all of its domains.
    """

    name: str
    place: str
    domains: tuple[Domain, ...]
    packages: tuple[str, ...]
    about: str
    uses_budget: bool = False
    sets: tuple[str, ...] = ()

    @property
    def is_ours(self) -> bool:
        """Whether it is a call of the library."""
        return self.name.split("_")[0] == OURS

    @property
    def is_peer(self) -> bool:
        """Whether it runs in the environment of the peers."""
        return self.place.startswith("peers.")


IN_ORDER: Final = ("ml-1m", "beauty", "lastfm", "video_games", "grocery", "complete_journey")
TORCH, SKLEARN = ("torch",), ("scikit-learn",)
TABLES, TEXTS, PHOTOS, STARS, LISTS = ((domain,) for domain in DOMAINS)

METHODS: Final = (
    Entry("zoo", "zoo_tables:default", TABLES, TORCH, "`zoo.tabular.train(rows, target)`"),
    Entry("zoo", "zoo_texts:default", TEXTS, TORCH, '`zoo.text.finetune("zoo/lstm-wiki", texts)`'),
    Entry("zoo_train", "zoo_texts:train", TEXTS, TORCH, "`zoo.text.train(texts)`"),
    Entry(
        "zoo",
        "zoo_photos:default",
        PHOTOS,
        TORCH,
        '`zoo.vision.finetune("efficientnet_lite0", photos)`',
    ),
    Entry("zoo", "zoo_ratings:stars", STARS, TORCH, "`zoo.collab.train(ratings).predict`"),
    Entry("zoo_svdpp", "zoo_ratings:svdpp", STARS, TORCH, '`train(ratings, model="svdpp")`'),
    Entry("zoo", "zoo_ratings:lists", LISTS, TORCH, "`zoo.collab.train(choices).recommend`"),
    Entry("zoo_softmax", "zoo_ratings:softmax", LISTS, TORCH, '`train(choices, model="softmax")`'),
    Entry(
        "zoo_sasrec",
        "zoo_ratings:sasrec",
        LISTS,
        TORCH,
        '`train(choices, model="sasrec")`, where there are times',
        sets=IN_ORDER,
    ),
    Entry(
        "linear",
        "sklearn_tables:linear",
        TABLES,
        SKLEARN,
        "one-hot categories and scaled numbers, logistic regression or ridge regression",
    ),
    Entry(
        "hist_boosting",
        "sklearn_tables:hist_boosting",
        TABLES,
        SKLEARN,
        "scikit-learn's HistGradientBoosting",
    ),
    Entry("lightgbm", "peers.boosting:lightgbm", TABLES, ("lightgbm",), "LightGBM"),
    Entry("catboost", "peers.boosting:catboost", TABLES, ("catboost",), "CatBoost"),
    Entry("realmlp", "peers.pytabkit:realmlp", TABLES, ("pytabkit", "torch"), "pytabkit's RealMLP"),
    Entry("tabm", "peers.pytabkit:tabm", TABLES, ("pytabkit", "torch"), "pytabkit's TabM"),
    Entry(
        "fastai",
        "peers.fastai_tables:network",
        TABLES,
        ("fastai", "torch"),
        "fastai's `tabular_learner`, five epochs of `fit_one_cycle`",
    ),
    Entry(
        "tfidf",
        "bags:tfidf",
        TEXTS,
        SKLEARN,
        "TF-IDF of words and pairs, logistic regression, its penalty by folds",
    ),
    Entry("nb_svm", "bags:nb_svm", TEXTS, SKLEARN, "NB-SVM, each class against the rest"),
    Entry(
        "fasttext",
        "peers.fasttext:network",
        TEXTS,
        ("fasttext-numpy2-wheel",),
        "fastText with its tutorial's settings",
    ),
    Entry(
        "minilm",
        "peers.sentences:minilm",
        TEXTS,
        ("sentence-transformers", "scikit-learn"),
        "all-MiniLM-L6-v2 frozen, logistic regression",
    ),
    Entry(
        "setfit",
        "peers.sentences:setfit",
        TEXTS,
        ("setfit", "sentence-transformers"),
        "SetFit on all-MiniLM-L6-v2, an epoch",
    ),
    Entry(
        "probe",
        "probe:probe",
        PHOTOS,
        ("timm", "scikit-learn"),
        "logistic regression on the frozen EfficientNet-Lite0",
    ),
    Entry(
        "fastai",
        "peers.fastai_photos:network",
        PHOTOS,
        ("fastai", "timm", "torch"),
        "fastai's `fine_tune(4)` of EfficientNet-Lite0",
    ),
    Entry("biases", "baselines:biases", STARS, ("numpy",), "regularised biases"),
    Entry(
        "fastai",
        "peers.fastai_stars:network",
        STARS,
        ("fastai", "torch"),
        "fastai's `collab_learner`, five epochs",
    ),
    Entry(
        "lenskit_mf",
        "peers.lenskit:biased_mf",
        STARS,
        ("lenskit",),
        "LensKit's BiasedMF, mean and biases where it knows nothing",
    ),
    Entry("popular", "baselines:popular", LISTS, ("numpy",), "what most users chose"),
    Entry(
        "ease",
        "baselines:ease",
        LISTS,
        ("scipy",),
        "EASE on the 5,000 items that are chosen most, penalty 500",
    ),
    Entry("als", "peers.als:als", LISTS, ("implicit",), "implicit's ALS, 64 factors, penalty 10"),
    Entry("lenskit_knn", "peers.lenskit:item_knn", LISTS, ("lenskit",), "LensKit's item KNN"),
)


def entries(domain: Domain) -> list[Entry]:
    """The methods of a domain."""
    return [entry for entry in METHODS if domain in entry.domains]
