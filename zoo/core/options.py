"""Options of the public verbs: each is stated once, in an annotated table.

    class Options(TrainingOptions, total=False):
        size: Annotated[int | None, Option(low=8, help="Side of the input in pixels.")]

    OPTIONS = OptionTable(Options, batch_size=16)

    @verb(OPTIONS)
    def train(data: Any, *, epochs: Epochs = 4, **options: Unpack[Options]) -> Model: ...

The table says name, type, default, range and help of a setting. The check of a call, the signature
and the arguments that `help(train)` shows (`zoo.core.verbs`), the command line and the reference
page all read it.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import (
    Annotated,
    Any,
    Generic,
    TypeVar,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from zoo.core.annotations import Option as Option
from zoo.core.annotations import described, noted

T = TypeVar("T", bound=Mapping[str, Any])
X = TypeVar("X", bound=Mapping[str, Any])


@dataclass(frozen=True)
class Setting:
    """An option of one table: its name, its type, and what `Option` tells."""

    name: str
    type: Any
    option: Option

    @property
    def expected(self) -> str:
        """What the value must be, in words."""
        return described(self.type, self.option)

    @property
    def help(self) -> str:
        """The option's help, with its range and default, in words of Python and of a shell."""
        facts = [self.option.range] if self.option.range else []
        if self.option.default is True:
            facts.append("by default")
        elif self.option.default is not False and self.option.default not in (None, ()):
            facts.append(f"default {self.option.default!r}")
        if self.option.chosen:
            facts.append(f"by default {self.option.chosen}")
        if self.option.needs:
            facts.append(f"only with {self.option.needs}")
        text = self.option.help
        if not facts:
            return text
        return f"{text.rstrip('.')} ({', '.join(facts)})" + ("." if text.endswith(".") else "")


class Chosen(str):
    """A default that the verb chooses once it knows the data: None, and how, in words."""


class OptionTable(Generic[T]):
    """The options of one verb, read from a `TypedDict` whose fields are annotated with `Option`.

    Args:
        table: the `TypedDict`; fields that it inherits belong to it.
        **defaults: defaults that differ from those of the fields, for a measured reason.

    Attributes:
        settings: the options by name, those without a group first.
    """

    def __init__(self, table: type[T], **defaults: Any) -> None:
        hints = get_type_hints(table, include_extras=True)
        own = [setting_of(name, hint) for name, hint in hints.items()]
        self.settings = {one.name: one for one in sorted(own, key=lambda one: one.option.group)}
        for name, value in defaults.items():
            setting = self.settings[name]
            chosen = value if isinstance(value, Chosen) else ""
            default = None if chosen else value
            kind = setting.type if default is not None else setting.type | None
            option = replace(setting.option, default=default, chosen=chosen)
            self.settings[name] = Setting(name, kind, option)

    def extended(self, table: type[X], **defaults: Any) -> OptionTable[X]:
        """The options of a larger `TypedDict`; those that both have keep this table's defaults.

        Args:
            table: the `TypedDict`.
            **defaults: those of options that this table lacks, as for a table of its own.
        """
        larger = OptionTable(table, **defaults)
        larger.settings |= self.settings
        return larger

    def complete(self, options: T) -> T:
        """All options: the given ones, defaults for the others."""
        defaults = {name: one.option.default for name, one in self.settings.items()}
        return cast(T, defaults | dict(options))

    def require_used(self, options: T, facts: Mapping[str, bool]) -> None:
        """Refuse options that would have no effect on these data.

        Args:
            options: the given ones, or all.
            facts: whether that holds which options need, by the words of `Option.needs`.

        Raises:
            ValueError: some have none; all are named.
        """
        require_used(options, self.settings, facts)

    def record(self, options: T) -> dict[str, Any]:
        """What the card tells of the options: plain values, by name."""
        return {
            name: plain(options[name])
            for name, one in self.settings.items()
            if one.option.record and options.get(name) is not None
        }


def require_used(
    options: Mapping[str, Any], settings: Mapping[str, Setting], facts: Mapping[str, bool]
) -> None:
    """Refuse options beside which there is not what they need; their defaults may be given.

    Raises:
        ValueError: some have no effect; all are named.
    """
    unused = {
        name: setting.option.needs
        for name, setting in settings.items()
        if not facts.get(setting.option.needs, True)
        and options.get(name) not in (None, setting.option.default)
    }
    if unused:
        listed = "; ".join(f"{name}={options[name]!r:.60}" for name in unused)
        needs = " and ".join(dict.fromkeys(unused.values()))
        raise ValueError(
            f"{' and '.join(unused)} must come with {needs}, got {listed} without. Leave "
            f"{'it' if len(unused) == 1 else 'them'} out."
        )


def setting_of(name: str, hint: Any, default: Any = inspect.Parameter.empty) -> Setting:
    """A setting from a field's annotation."""
    if get_origin(hint) is not Annotated:
        raise TypeError(f"{name} must be annotated with an Option")
    kind, option = get_args(hint)[0], noted(hint, Option())
    if default is not inspect.Parameter.empty:
        option = replace(option, default=default)
    return Setting(name, kind, option)


def plain(value: Any) -> Any:
    """A setting as a card shows it: JSON values as they are, objects by their repr."""
    if isinstance(value, (str, bool, int, float)) or value is None:
        return value
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    return repr(value)
