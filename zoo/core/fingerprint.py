"""What makes two calls the same: a digest of data, options and network, part by part.

An object is described by its attributes, a tensor or array by its content, a function by its code,
constants and what it closes over. An object whose attributes do not tell its content, such as
batches of photos that are read from files, has `fingerprint() -> str`.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import types
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

_OPAQUE: Final = ("_thread", "threading", "weakref", "mmap", "_io", "concurrent", "_queue", "queue")


def digest(value: Any) -> str:
    """A short digest of a value's content, the same in every process.

    >>> digest([1, "a"]) == digest([1, "a"]), digest(1) == digest("1")
    (True, False)
    """
    record = hashlib.blake2b(digest_size=16)
    _feed(record, value, {})
    return record.hexdigest()


def plain_or_digest(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values by name; what is no number, flag or short text as its digest."""
    return {
        name: value
        if value is None or (isinstance(value, (bool, int, float, str)) and len(str(value)) < 80)
        else digest(value)
        for name, value in json.loads(json.dumps(values, default=digest)).items()
    }


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Names of the parts that differ, with both values where a person can read them."""
    absent = object()
    named = []
    for name in sorted(one.keys() | other.keys()):
        before, now = one.get(name, absent), other.get(name, absent)
        if before == now:
            continue
        is_readable = not any(isinstance(v, str) and len(v) == 32 for v in (before, now))
        is_readable = is_readable and absent not in (before, now)
        named.append(f"{name} (was {before!r}, is {now!r})" if is_readable else name)
    return named


def _feed(record: Any, value: Any, seen: dict[int, tuple[int, Any]]) -> None:
    """Add a value's description to a hash; `seen` numbers objects, and keeps them and their ids."""
    if value is None or isinstance(value, (bool, int, float, complex, str, bytes, np.generic)):
        value = value.item() if isinstance(value, np.generic) else value
        record.update(f"{type(value).__name__} {value!r};".encode("utf-8", "backslashreplace"))
        return
    if isinstance(value, PurePath):
        record.update(f"path {value.name!r};".encode("utf-8", "backslashreplace"))
        return
    if id(value) in seen:
        record.update(f"object {seen[id(value)][0]};".encode())
        return
    seen[id(value)] = (len(seen), value)
    if isinstance(value, Tensor):
        _feed_array(record, value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
        record.update(f"{tuple(value.shape)} {value.dtype};".encode())
    elif isinstance(value, np.ndarray) and value.dtype != object:
        _feed_array(record, np.ascontiguousarray(value))
        record.update(f"{value.shape} {value.dtype};".encode())
    else:
        record.update(f"{type(value).__qualname__}:".encode())
        for part in _parts(value):
            _feed(record, part, seen)
        record.update(b".")


def _feed_array(record: Any, array: np.ndarray[Any, Any]) -> None:
    record.update(array.view(np.uint8) if array.size else b"")


def _parts(value: Any) -> Any:
    """What an object consists of, in a fixed order."""
    if callable(getattr(value, "fingerprint", None)) and not isinstance(value, type):
        return (value.fingerprint(),)
    if isinstance(value, Mapping):
        return [part for pair in value.items() for part in pair]
    if isinstance(value, (set, frozenset)):
        return sorted(map(digest, value))
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, (list, tuple)):
        return value
    if isinstance(value, range | slice | torch.dtype | torch.device):
        return (repr(value),)
    if hasattr(value, "to_numpy") and hasattr(value, "index"):  # pandas
        columns = [value[name].tolist() for name in value] if value.ndim == 2 else [value.tolist()]
        return [list(getattr(value, "columns", ())), value.index.tolist(), *columns]
    if isinstance(value, functools.partial):
        return (value.func, value.args, dict(value.keywords))
    if isinstance(value, nn.Module):
        return (repr(value), dict(value.state_dict()))
    if (code := _parts_of_code(value)) is not None:
        return code
    if type(value).__module__.split(".")[0] in _OPAQUE or isinstance(value, torch.Generator):
        return ()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [getattr(value, field.name) for field in dataclasses.fields(value)]
    return _own_attributes(value)


def _parts_of_code(value: Any) -> tuple[Any, ...] | None:
    """What a function, method, class or module consists of; None for anything else."""
    if isinstance(value, types.MethodType):
        return (value.__func__, value.__self__)
    if isinstance(value, types.FunctionType):
        cells = [cell.cell_contents for cell in value.__closure__ or ()]
        names = (value.__module__, value.__qualname__)
        return (*names, value.__code__, value.__defaults__, value.__kwdefaults__, cells)
    if isinstance(value, types.CodeType):  # constants one by one: some are shared, some equal
        return (value.co_names, value.co_code, [digest(one) for one in value.co_consts])
    if isinstance(value, type | types.BuiltinFunctionType | types.ModuleType):
        return (value.__name__,)
    return None


def _own_attributes(value: Any) -> list[Any]:
    """Names and values of an object's attributes, but for cached ones."""
    slots = [s for kind in type(value).__mro__ for s in getattr(kind, "__slots__", ())]
    own = {name: getattr(value, name) for name in slots if hasattr(value, name)}
    own |= getattr(value, "__dict__", {})
    cached = {
        name
        for kind in type(value).__mro__
        for name, part in vars(kind).items()
        if isinstance(part, functools.cached_property)
    }
    return [part for name in sorted(own.keys() - cached) for part in (name, own[name])]
