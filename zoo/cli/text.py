"""`zoo text`: language models and classifiers of texts."""

from __future__ import annotations

from typing import Annotated, Any

import typer

import zoo
from zoo.cli.commands import Commands, load
from zoo.cli.options import Artifact, AsJson, Device, Pretrained, Seed
from zoo.cli.output import say, say_table
from zoo.cli.training import named_after, settings_of, takes, train_and_save
from zoo.text.classification import options as of_classes
from zoo.text.language_model import options as of_words
from zoo.text.language_model.options import Model

text = Commands(help="Texts: train a language model, fine-tune it, put a classifier on it.")

Texts = Annotated[
    str, typer.Argument(help="Folder of text files, or a text, JSON, CSV, TSV or Parquet file.")
]
Labelled = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="CSV, TSV, JSON or Parquet file, or folder with one folder of text files per class "
        "(perhaps within train/ and valid/).",
    ),
]
Among = Annotated[
    list[str] | None,
    typer.Option(help="Candidate to compare, once for each; default: those at hand."),
]
GOES_ON, CLASSIFIES = 'zoo text generate {} "The"', "zoo predict {} FILE"


@text.command("train-lm")
@takes(of_words.FIT_OPTIONS, of_words.TRAIN_EPOCHS, of_words.TRAIN_LR, model=(Model, "awd_lstm"))
def train_lm(texts: Texts, **options: Any) -> None:
    """Train a language model on your texts from random weights and save it."""
    name = named_after(texts, "lm")
    train_and_save(zoo.text.train_lm, texts, options=options, name=name, hint=GOES_ON)


@text.command("finetune-lm")
@takes(of_words.FIT_OPTIONS, lr=of_words.FINETUNE_LR)
def finetune_lm(pretrained: Pretrained, texts: Texts, **options: Any) -> None:
    """Take a language model further on your texts, with their vocabulary, and save it."""
    name, hint = named_after(texts, "lm"), "zoo text finetune {} REVIEWS"
    train_and_save(zoo.text.finetune_lm, pretrained, texts, options=options, name=name, hint=hint)


@text.command("train")
@takes(
    of_classes.FIT_OPTIONS, of_classes.TRAIN_EPOCHS, of_classes.TRAIN_LR, model=(Model, "awd_lstm")
)
def train(texts: Labelled, **options: Any) -> None:
    """Train a classifier of your texts from random weights and save it."""
    name = named_after(texts, "classifier")
    train_and_save(zoo.text.train, texts, options=options, name=name, hint=CLASSIFIES)


@text.command("finetune")
@takes(of_classes.FIT_OPTIONS, gradual=(of_classes.Gradual, False))
def finetune(pretrained: Pretrained, texts: Labelled, **options: Any) -> None:
    """Put a classifier of your texts on a language model and save it."""
    verb, name = zoo.text.finetune, named_after(texts, "classifier")
    train_and_save(verb, pretrained, texts, options=options, name=name, hint=CLASSIFIES)


@text.command("choose")
@takes(of_classes.OPTIONS, only=("text", "label", "task", "valid", "language"))
def choose(texts: Labelled, among: Among = None, **options: Any) -> None:
    """Compare bags of words and encoders on your texts; `finetune auto` takes an encoder."""
    as_json = options["as_json"]
    settings = settings_of(options | {"device": "auto"})
    table = zoo.text.choose(texts, among=among or None, **settings)
    say_table(table.round(4).reset_index(), as_json)


@text.command("generate")
def generate(
    artifact: Artifact,
    beginning: Annotated[str, typer.Argument(help="The first words.")] = "",
    k: Annotated[int, typer.Option("-k", min=0, help="Words to add.")] = 50,
    temperature: Annotated[float, typer.Option(help="Below 1: likely words; above: bold.")] = 0.8,
    top_k: Annotated[int | None, typer.Option(help="Draw from so many likeliest words.")] = None,
    as_json: AsJson = False,
    device: Device = "auto",
    seed: Seed = 0,
) -> None:
    """Let a language model go on with a text."""
    model = load(artifact, zoo.text.LanguageModel, device, seed)
    words = model.generate(beginning, k, temperature=temperature, top_k=top_k)
    say({"text": words}, words, as_json)
