"""What a publication must not tell: folders of the publisher's machine, and access tokens."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Collection, Mapping
from typing import Any, Final

from zoo.core.messages import warn
from zoo.core.names import without_folders

TOKEN: Final = re.compile(
    r"\b(?:hf_[A-Za-z0-9]{30,}|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{30,}|AKIA[0-9A-Z]{16}"
    r"|sk-[A-Za-z0-9_-]{32,})"
)


def refuse_tokens(texts: Mapping[str, str]) -> None:
    """Refuse to publish what looks like a key to somebody's account.

    Raises:
        ValueError: one of the texts holds such a key; the message does not.
    """
    for file, text in texts.items():
        if token := TOKEN.search(text):
            raise ValueError(
                f"what is published must hold no access token, got one in {file!r} that begins "
                f"with {token[0][:6]!r}. Remove it, save the model again and withdraw the token."
            )


def public(config: str, card: str, files: Collection[str]) -> tuple[str, str]:
    """Return config.json and the card without folders of this machine and files that stay there.

    Args:
        config: text of config.json; what it says of the data and the training is looked through.
        card: text of README.md, which may say the same.
        files: names of what is published.
    """
    tree = json.loads(config)
    said = {name: tree[name] for name in ("data", "training") if name in tree}
    hidden = _without_folders(said)
    if "files" in tree:
        said["files"], hidden["files"] = tree["files"], [f for f in tree["files"] if f in files]
    if hidden == said:
        return config, card
    texts = [_changes(said[name], hidden[name]) for name in said if name != "files"]
    for old, new in sorted(itertools.chain(*texts), reverse=True):
        card = card.replace(old, new).replace(old.replace("|", "\\|"), new)
    return json.dumps(tree | hidden, indent=2, ensure_ascii=False) + "\n", card


def warn_of_interruption(training: Mapping[str, Any]) -> None:
    """Warn if the training of a model that is published was broken off."""
    if ended := training.get("interrupted"):
        warn(
            "the training of this model was interrupted "
            f"({''.join(filter(str.isprintable, str(ended)))[:80]}), and so it is published: run "
            "the same training again with Run(resume=True) to publish it whole"
        )


def _without_folders(value: Any) -> Any:
    if isinstance(value, str):
        return without_folders(value)
    if isinstance(value, dict):
        return {key: _without_folders(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_without_folders(one) for one in value]
    return value


def _changes(said: Any, hidden: Any) -> list[tuple[str, str]]:
    """Texts that differ, before and after."""
    if isinstance(said, str):
        return [(said, hidden)] if said != hidden else []
    keys = said if isinstance(said, dict) else range(len(said)) if isinstance(said, list) else ()
    return [change for key in keys for change in _changes(said[key], hidden[key])]
