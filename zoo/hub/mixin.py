"""The names by which huggingface_hub's `ModelHubMixin` is known, as doors to load, save and push.

    model = zoo.vision.PhotoModel.from_pretrained("someone/pets", revision="v1")
    model.save_pretrained("pets")
    model.push_to_hub("someone/pets", private=True)

What comes and goes is checked as by `zoo.load` and `push`: the same artifact, the same hashes.
"""

from __future__ import annotations

import inspect
import os
from pathlib import Path
from typing import Any, Self

from zoo.hub.find import find
from zoo.hub.publish import Savable, push


class HubMixin:
    """What a model class offers for the hub, beside `zoo.load` and `save`."""

    push = push

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | os.PathLike[str],
        *,
        force_download: bool = False,
        token: str | bool | None = None,
        cache_dir: str | os.PathLike[str] | None = None,
        local_files_only: bool = False,
        revision: str | None = None,
        **model_kwargs: Any,
    ) -> Self:
        """Load a saved model of this class, see `zoo.load`.

        Args:
            pretrained_model_name_or_path: directory of a saved model, or `user/name` on the hub.
            force_download: whether to fetch files again that the cache holds.
            token: token for the hub; None or True takes the one of your login, False sends none.
            cache_dir: where snapshots are kept; None is the hub client's own cache.
            local_files_only: whether to take what the cache holds and ask no hub.
            revision: a branch, a tag or a commit; None is the main branch.
            **model_kwargs: `run`, the circumstances of its predictions.

        Raises:
            ArtifactError: it is no whole artifact that this version can read.
            TypeError: the model is of another class, or a keyword is none of these.
            FileNotFoundError: there is no such directory, or no such model on the hub.
            ConnectionError: the hub cannot be reached, and the cache does not hold the model.
        """
        from zoo import load

        _refuse_others("from_pretrained", {k: v for k, v in model_kwargs.items() if k != "run"})
        directory = find(
            pretrained_model_name_or_path,
            revision=revision,
            cache=cache_dir,
            token=token,
            local_files_only=local_files_only,
            force_download=force_download,
        )
        kind: Any = cls
        loaded: Self = load(directory, kind, run=model_kwargs.get("run"))
        return loaded

    def save_pretrained(
        self: Savable,
        save_directory: str | os.PathLike[str],
        *,
        repo_id: str | None = None,
        push_to_hub: bool = False,
        **push_to_hub_kwargs: Any,
    ) -> str | None:
        """Save the model, see `save`, and publish it if that is asked for.

        Args:
            save_directory: directory of the artifact.
            repo_id: `user/name` to publish under.
            push_to_hub: whether to publish; then the address is returned, else None.
            **push_to_hub_kwargs: keyword arguments of `push_to_hub`.

        Raises:
            ValueError: as for `save` and `push_to_hub`.
        """
        pushed = inspect.signature(HubMixin.push_to_hub).parameters if push_to_hub else {}
        others = {k: v for k, v in push_to_hub_kwargs.items() if k not in pushed}
        _refuse_others("save_pretrained", others)
        place = self.save(Path(save_directory))
        if not push_to_hub:
            return None
        return HubMixin.push_to_hub(self, repo_id or place.name, **push_to_hub_kwargs)

    def push_to_hub(
        self: Savable,
        repo_id: str,
        *,
        commit_message: str = "Publish a model with transfer-zoo",
        private: bool | None = None,
        token: str | bool | None = None,
        branch: str | None = None,
        users: bool = False,
        **others: Any,
    ) -> str:
        """Publish the model and return its address, see `push`.

        Args:
            repo_id: `user/name`; what it held before is replaced, in a new commit.
            commit_message: the commit's message.
            private: whether only you see a repository that is new.
            token: token for the hub; None takes the one of your login.
            branch: a branch, made if there is none of that name; None is the main branch.
            users: whether a recommender goes with what tells of single users.
            **others: what the mixin has beside these must be None: an artifact names its own files
                and writes its own config.json and card.

        Raises:
            ValueError: as for `push`, or another keyword has a value.
            TypeError: a keyword is unknown.
        """
        _refuse_others("push_to_hub", others)
        address: str = push(
            self,
            repo_id,
            message=commit_message,
            private=bool(private),
            token=token,
            revision=branch,
            users=users,
        )
        return address


_OTHERS = (  # keywords of huggingface_hub's mixin that artifacts have no use for
    *("config", "model_card_kwargs", "create_pr"),
    *("allow_patterns", "ignore_patterns", "delete_patterns"),
)


def _refuse_others(name: str, values: dict[str, Any]) -> None:
    """Refuse keywords that are unknown, or that would have no effect."""
    if unknown := [one for one in values if one not in _OTHERS]:
        raise TypeError(f"{name}() got an unexpected keyword argument {unknown[0]!r}")
    if stated := {one: value for one, value in values.items() if value}:
        raise ValueError(
            f"{' and '.join(stated)} must be left out, got {stated!r:.100}. An artifact names its "
            "own files and writes its own config.json and card."
        )
