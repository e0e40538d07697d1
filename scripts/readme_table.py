"""The README's tables of results, rendered from the CSVs in results/; no number is typed by hand.

Of every seed (and fold) the newest row counts: older ones are of earlier recipes.

python -m scripts.readme_table             # rewrites the tables in README.md
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from scripts.lib.record import RESULTS, ROOT

README = ROOT / "README.md"
BEGIN, END = "<!-- results -->", "<!-- /results -->"
TRIAL = ("seed", "fold")  # columns that tell trials apart


@dataclass(frozen=True)
class Line:
    """One published number.

    Attributes:
        script: that measures it, and the CSV file of that name.
        what: the data set.
        model: as users name it.
        score: the column of the CSV.
        shown: what to call the score.
        where: values that rows must have.
        beside: another column to show, and what to call it.
        rival: values that rows of a rival have, and what to call it.
    """

    script: str
    what: str
    model: str
    score: str
    shown: str
    where: dict[str, str] = field(default_factory=dict)
    beside: tuple[str, str] | None = None
    rival: tuple[dict[str, str], str] | None = None

    def rows(self, where: dict[str, str] | None = None) -> pd.DataFrame:
        """The newest row of each trial; empty before any was recorded."""
        path = RESULTS / f"{self.script}.csv"
        if not path.exists():
            return pd.DataFrame()
        rows = pd.read_csv(path)
        for name, value in (where or self.where).items():
            rows = rows[rows[name].astype(str) == value] if name in rows else rows[:0]
        return rows.drop_duplicates([name for name in TRIAL if name in rows], keep="last")

    def text(self) -> str:
        """The line in Markdown; nothing before any trial."""
        rows = self.rows()
        if rows.empty:
            return ""
        score = rows[self.score]
        trials = "folds" if "fold" in rows else "seeds"
        spread = f" ± {score.std():.3f} ({len(rows)} {trials})" if len(rows) > 1 else " (one seed)"
        beside = ""
        if self.beside:
            beside = f"{self.beside[1]} {rows[self.beside[0]].mean():.3f}"
        elif self.rival and len(theirs := self._same_trials(rows, self.rows(self.rival[0]))):
            beside = f"{self.rival[1]} {theirs[self.score].mean():.3f}"
        return (
            f"| {self.what} | {self.model} | {self.shown} {score.mean():.3f}{spread} | {beside} | "
            f"{_cost(rows)} | `scripts/{self.script}.py` |"
        )

    def _same_trials(self, ours: pd.DataFrame, theirs: pd.DataFrame) -> pd.DataFrame:
        """Their rows of seeds and folds that ours have as well."""
        for name in TRIAL:
            if name in ours and name in theirs:
                theirs = theirs[theirs[name].isin(ours[name])]
        return theirs


def _photos(script: str, what: str) -> Line:
    probe = ("probe", "linear probe")
    return Line(script, what, "`efficientnet_lite0`", "accuracy", "accuracy", beside=probe)


BOOSTING = "scikit-learn's boosting"
MOVIELENS = "MovieLens-100k"
LINES = (
    _photos("vision_hymenoptera", "ants and bees, 245 photos"),
    _photos("vision_dogscats", "dogs and cats, 1,000 photos"),
    _photos("vision_flowers", "five kinds of flowers, 3,454 blurred thumbnails"),
    Line("vision_flowers_progressive", "the same flowers, growing from 96 to 160 px, five looks",
         "`efficientnet_lite0`", "accuracy", "accuracy", beside=("after_160", "one look")),
    Line("vision_camvid", "CamVid at 240 x 180, 367 street scenes", "U-Net on `efficientnet_lite0`",
         "pixel_accuracy", "pixel accuracy without void"),
    Line("vision_restore", "the same flowers, halved, JPEG 10", "U-Net on `efficientnet_lite0`",
         "psnr", "PSNR of all pixels", {"psnr_of": "all pixels"},
         beside=("bicubic_psnr", "bicubic")),
    Line("tabular_adult", "Adult, official test file", "`mlp`", "accuracy", "accuracy",
         {"model": "mlp"}, rival=({"model": "hist gradient boosting"}, BOOSTING)),
    Line("tabular_rossmann", "Rossmann, last six weeks", "`mlp`", "rmspe", "RMSPE",
         {"model": "network"}, rival=({"model": "boosting"}, BOOSTING)),
    Line("tabular_rossmann_lesson", "Rossmann, fast.ai's six weeks of 2014", "`mlp`", "rmspe",
         "RMSPE", {"model": "observed"}),
    Line("tabular_entity", "Rossmann, Guo & Berkhahn's last tenth", "five networks", "mape",
         "MAPE", {"method": "network", "embeddings": "True"}, beside=("paper", "the paper")),
    Line("text_wikitext2", "WikiText-2 from scratch", "small AWD-LSTM", "perplexity", "perplexity",
         {"model": "AWD-LSTM"}, rival=({"model": "5-gram Kneser-Ney"}, "5-gram Kneser-Ney")),
    Line("text_rotten_tomatoes", "Rotten Tomatoes, a random tenth", "AWD-LSTM, pretrained",
         "accuracy", "accuracy", {"model": "transfer"}, rival=({"model": "tfidf"}, "TF-IDF")),
    Line("text_sentiment", "rated sentences, a tenth of their texts", "AWD-LSTM, pretrained",
         "accuracy", "accuracy", {"model": "transfer"}, rival=({"model": "nb_svm"}, "NB-SVM")),
    Line("text_imdb", "IMDB, 25,000 test reviews", "AWD-LSTM, pretrained", "accuracy", "accuracy",
         {"model": "ulmfit", "labelled": "25000.0"},
         rival=({"model": "nb_svm", "labelled": "25000.0"}, "NB-SVM")),
    Line("text_imdb", "IMDB, 500 labelled reviews", "AWD-LSTM, pretrained", "accuracy", "accuracy",
         {"model": "ulmfit", "labelled": "500.0"},
         rival=({"model": "tfidf", "labelled": "500.0"}, "TF-IDF")),
    Line("text_imdb", "IMDB, 100 labelled reviews", "`zoo/sentiment`, further", "accuracy",
         "accuracy", {"model": "zoo/sentiment", "labelled": "100.0"},
         rival=({"model": "tfidf", "labelled": "100.0"}, "TF-IDF")),
    Line("collab_folds", f"{MOVIELENS}, u1 to u5", "`dot_bias`", "rmse", "RMSE",
         {"model": "dot_bias"}),
    Line("collab_folds", f"{MOVIELENS}, u1 to u5", "`svdpp` with features", "rmse", "RMSE",
         {"model": "svdpp"}),
    Line("collab_random", f"{MOVIELENS}, random fifth", "`dot_bias`", "rmse", "RMSE",
         {"recipe": "ours"}, rival=({"recipe": "fastai's"}, "fastai's settings")),
    Line("collab_ranking", f"{MOVIELENS}, random quarter, lists of 10", "the default", "ndcg@10",
         "nDCG@10", {"model": "default"}, rival=({"model": "ease"}, "EASE")),
    Line("collab_sasrec", "MovieLens-1M in order, each user's last film", "`sasrec`", "ndcg@10",
         "nDCG@10", {"set": "ml-1m", "model": "sasrec"},
         rival=({"set": "ml-1m", "model": "ease"}, "EASE, without order,")),
)  # fmt: skip


def _cost(rows: pd.DataFrame) -> str:
    """The median of CPU seconds, which a busy machine leaves alone; where unknown, of seconds."""
    if "cpu_seconds" in rows and rows["cpu_seconds"].notna().all():
        return f"{rows['cpu_seconds'].median():.0f} CPU s"
    return f"{rows['seconds'].median():.0f} s"


def table() -> str:
    """Markdown: a line for each number that has been measured."""
    lines = [
        "| data | model | mean ± sd | beside it | a whole call, median | script |",
        "|---|---|---|---|---|---|",
        *filter(None, (line.text() for line in LINES)),
    ]
    return "\n".join([*lines, "", f"Measured on {_machines()}.", ""])


def _machines() -> str:
    found = [rows["machine"] for line in LINES if not (rows := line.rows()).empty]
    return "; ".join(sorted(set(pd.concat(found))))


def with_table(text: str) -> str:
    """The README's text with the table of today."""
    head, rest = text.split(BEGIN, 1)
    return f"{head}{BEGIN}\n{table()}{END}{rest.split(END, 1)[1]}"


if __name__ == "__main__":
    Path(README).write_text(with_table(README.read_text(encoding="utf-8")), encoding="utf-8")
