"""What the published models are for: the part of their cards that no program measures."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from zoo.data.registry import find
from zoo.published import digits


@dataclass(frozen=True)
class Publication:
    """One embedded checkpoint; see `zoo.core.artifacts.card.Card` for what is not said here.

    Attributes:
        data: name of a registered data set, or what the card says of another.
        licence: the licence of the weights.
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
        limits="Films up to 1998, rated by visitors of one university's web site in 1997-98: no "
        "taste of today, nobody else's either. It holds no users, no titles and no list of who "
        "rated what; what remains of users is the mean and the covariance of their vectors. Not "
        "for commercial use.",
        preprocessing="Ratings from 1 to 5 in whole stars; item numbers as in `u.item`. Genres and "
        "year of films, age, gender and occupation of users helped the training and are not needed "
        "any more.",
        data="movielens-100k",
        split="the test parts of the folds u1 to u5 (these weights: u1), each user placed by "
        "`fold_in` from the base part",
        licence="cc-by-nc-4.0",
        program="collab_items",
        protocol="movielens",
        metrics=("rmse",),
        example="visitor = model.fold_in({50: 5, 181: 4, 1: 3})\nvisitor.recommend(k=3)",
    ),
    "adult": Publication(
        title="Adult: census income by entity embeddings",
        use="A small example of a published model of a table: does a person of the 1994 census "
        "earn more than 50,000 dollars a year? Its vectors of occupations, schools and families "
        "show what entity embeddings learn, and it can be fine-tuned on a table of like columns.",
        limits="Dollars and society of 1994, in one country. It has learnt that society's "
        "differences by sex and race with everything else: never decide about a person by it.",
        preprocessing="Categories get a vector each, unknown ones one of their own; numbers are "
        "scaled and put into bins, gaps become the median and a note. All of it was learnt from "
        "the training file and is stored with the model.",
        data="adult",
        split="the official test file",
        licence="apache-2.0",
        program="tabular_adult",
        protocol="adult",
        metrics=("accuracy",),
        example='model.embeddings("education")',
        where={"model": "mlp"},
    ),
    "digits": Publication(
        title="Handwritten digits: EfficientNet-Lite0",
        use="Reading single handwritten digits, dark on light, one in the middle of a photo; and "
        "as a small example of a published photo classifier, to be fine-tuned further.",
        limits="It has learnt from digits of 43 people, scanned at 8 x 8 pixels and enlarged to "
        "64: other pens, tilted or several digits, and anything that is no digit are outside of "
        "what it knows, and it will still name a digit.",
        preprocessing="Photos are cropped at the centre, resized to 64 x 64 (bicubic), scaled to "
        "-1..1. Rotation, zoom and warp in training, no mirror images.",
        data=digits.DATA,
        split="the third of the digits that is held out",
        licence="apache-2.0",
        program="vision_digits",
        protocol="digits",
        metrics=("accuracy",),
        example='model.predict("seven.png")',
    ),
    "rossmann": Publication(
        title="Rossmann: sales of drug stores by entity embeddings",
        use="Vectors of stores, states, weekdays and dates, learnt from daily sales, for other "
        "models of the same stores; and sales of a day, from a row of the joined table that "
        "`zoo.published.rossmann` makes of the competition's files.",
        limits="1,115 German stores from 2013 to 2015. A day is predicted from what was known of "
        "its store six weeks before; other stores and other years are outside of what it knows. "
        "The data were published for a Kaggle competition: get them there, under its rules.",
        preprocessing="The competition's files, with weather and search trends, are joined and "
        "turned into columns by `zoo.published.rossmann`; the logarithm of sales is learnt.",
        data="rossmann",
        split="the last six weeks, 41,396 rows",
        licence="cc-by-nc-4.0",
        program="tabular_rossmann",
        protocol="rossmann",
        metrics=("rmspe",),
        example='model.embeddings("State")',
        where={"model": "network"},
    ),
    "lstm-wiki": Publication(
        title="English language model: AWD-LSTM, small",
        use="To start from: `zoo.text.finetune_lm` takes it to your own texts, "
        "`zoo.text.finetune` makes a classifier of it (ULMFiT, Howard & Ruder 2018). It was made "
        "to be trained and fine-tuned on a CPU.",
        limits="It is small and has read little: what it writes is English in form, without sense "
        "or truth, and with whatever the encyclopedia of 2014 held. Its perplexity is that of its "
        "own tokens and compares with no other model's.",
        preprocessing="spaCy's tokenizer behind fastai's rules (capitals and repetitions become "
        "words of their own); words that are not among the most frequent ones are one unknown "
        "word. It has read WikiText-2's training part and some of the long Wikipedia articles of "
        "2014 (`wiki-long-2014`, CC BY-SA), none of the validation or test part.",
        data="wikitext-2",
        split="the validation part of WikiText-2",
        licence="cc-by-sa-3.0",
        program="text_pretrain",
        protocol="wikitext",
        metrics=("perplexity",),
        example='model.generate("The film", 20, seed=1)',
        where={"size": "small", "reverse": "False"},
    ),
    "sentiment": Publication(
        title="English sentences: positive or negative",
        use="Whether a sentence of a tweet, a review of a product or film, or an editorial is "
        "positive or negative; an example of ULMFiT: `zoo/lstm-wiki` fine-tuned on such sentences "
        "without labels, then on them with labels, and blended with two bags of words, TF-IDF and "
        "NB-SVM. No other text was used.",
        limits="What twenty people on the web felt at single sentences before 2014. Sentences that "
        "they found neither positive nor negative were left out, so it takes a side on those too; "
        "irony, longer texts and other kinds of text are outside of what it knows. The table of "
        "cheap models below is of training sentences that were held out, whose texts it has seen "
        "in part: new texts are harder.",
        preprocessing="As `zoo/lstm-wiki`, with the words of these sentences.",
        data="rated-sentences",
        split="a tenth of the texts that the sentences are from, divided at random by the seed "
        "(these weights: seed 0)",
        licence="cc-by-sa-3.0",
        program="text_sentiment",
        protocol="rated_sentences",
        metrics=("accuracy",),
        example='model.predict("A warm and witty film.")',
        where={"model": "transfer"},
    ),
}  # name, without "zoo/" -> what its card says
