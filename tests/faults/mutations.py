"""Mutations of an artifact: structure-aware ones of config.json and headers, bytes of all files."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

PALETTE: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 7, 0.5, -0.5, 1e-300, 1e308, 2**31, 2**63, 10**40),
    *(
        float("nan"),
        float("inf"),
        "",
        "x",
        "0",
        "yes",
        "x" * 10_000,
        "../../x",
        "\u0000",
        "caf\u00e9",
    ),
    *([], [[]], {}, [None], [0], ["a", "a"], {"": None}, [1e9], [-1], [[1, 2], [3]]),
)  # values that stand where another one is expected
FACTORS = (-1, 0, 0.5, 2, 10, 1000, 10**6, 10**12)
DEEP = 100_000  # brackets

Mutation = Callable[[Path, random.Random], str]
"""Changes a folder, and tells how."""


def mutate(folder: Path, draw: random.Random, others: list[Path]) -> str:
    """Change an artifact in one to three ways; what was done.

    Args:
        folder: a copy.
        draw: source of the draws.
        others: whole artifacts, of which parts may be taken.
    """
    kinds: list[tuple[int, Mutation]] = [
        (6, lambda place, rng: mutate_config(place, rng, others)),
        (1, config_text),
        (1, weight_bytes),
        (1, weight_header),
        (1, lambda place, rng: other_file(place, rng, others)),
    ]
    chosen = draw.choices([kind for _, kind in kinds], [share for share, _ in kinds])[0]
    return "; ".join(chosen(folder, draw) for _ in range(draw.choice((1, 1, 2, 3))))


# ---- JSON ----------------------------------------------------------------------------------------


def mutate_config(folder: Path, draw: random.Random, others: list[Path]) -> str:
    """Change one node of config.json."""
    path = folder / "config.json"
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:  # an earlier mutation has left no JSON
        return "nothing"
    if not isinstance(tree, dict) or not tree:
        return "nothing"
    said = mutate_tree(tree, draw, others)
    path.write_text(json.dumps(tree), encoding="utf-8")
    return said


def mutate_tree(tree: Any, draw: random.Random, others: list[Path]) -> str:
    """Change one node of a tree in place; nodes near the root are as likely as deep ones."""
    depths: dict[int, list[tuple[Any, Any, str]]] = {}
    for parent, key, name in nodes(tree):
        depths.setdefault(name.count("/"), []).append((parent, key, name))
    parent, key, name = draw.choice(depths[draw.choice(sorted(depths))])
    value = parent[key]
    act = draw.choice(("palette", "delete", "scale", "list", "graft", "rename", "text"))
    if act == "delete":
        del parent[key]
    elif act == "scale" and isinstance(value, (int, float)) and not isinstance(value, bool):
        scaled = value * draw.choice(FACTORS)
        parent[key] = int(scaled) if isinstance(value, int) and abs(scaled) < 1e30 else scaled
    elif act == "list" and isinstance(value, list) and value:
        draw.choice((value.reverse, value.clear, lambda: value.append(value[0]), value.pop))()
    elif act == "graft" and others:
        donor = json.loads((draw.choice(others) / "config.json").read_text(encoding="utf-8"))
        found = [(p, k) for p, k, _ in nodes(donor) if k == key] or [(donor, "spec")]
        source, there = draw.choice(found)
        parent[key] = source[there]
    elif act == "rename" and isinstance(parent, dict):
        parent[draw.choice((f"{key}s", key.upper(), "", "format"))] = parent.pop(key)
    elif act == "text" and isinstance(value, str):
        parent[key] = draw.choice((value[::-1], value * 50, value.upper(), f" {value}", value[:1]))
    else:
        act = "palette"
        parent[key] = draw.choice(PALETTE)
    return f"{act} at {name}"


def nodes(tree: Any, name: str = "", most: int = 40) -> Iterator[tuple[Any, Any, str]]:
    """Parent, key and path of every node; of a long list the first ones."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree[:most])
    for key, value in list(items):
        yield tree, key, f"{name}/{key}"
        if isinstance(value, (dict, list)):
            yield from nodes(value, f"{name}/{key}")


def config_text(folder: Path, draw: random.Random) -> str:
    """Change the text of config.json."""
    path = folder / "config.json"
    text = path.read_bytes()
    acts: dict[str, Callable[[], bytes]] = {
        "truncated": lambda: text[: draw.randrange(len(text) + 1)],
        "a byte": lambda: flipped(text, draw, 1),
        "twice": lambda: text + text,
        "a mark": lambda: b"\xef\xbb\xbf" + text,
        "deep": lambda: text.rstrip()[:-1] + b',"deep":' + b"[" * DEEP + b"]" * DEEP + b"}",
        "open": lambda: b'{"format": 1, "spec": ' + b"[" * DEEP,
        "a key twice": lambda: text.replace(b'"domain"', b'"task": 1, "domain"', 1),
        "zeros": lambda: bytes(len(text)),
        "a wide number": lambda: text.replace(b": 1", b": 1" + b"0" * 5000, 1),
    }
    act = draw.choice(sorted(acts))
    path.write_bytes(acts[act]())
    return f"config.json: {act}"


# ---- bytes ---------------------------------------------------------------------------------------


def weight_bytes(folder: Path, draw: random.Random) -> str:
    """Change bytes of a weight file."""
    path = draw.choice(sorted(folder.glob("*.safetensors")))
    data = path.read_bytes()
    acts: dict[str, Callable[[], bytes]] = {
        "bytes": lambda: flipped(data, draw, draw.randint(1, 20)),
        "truncated": lambda: data[: draw.randrange(len(data) + 1)],
        "longer": lambda: data + bytes(draw.randint(1, 1000)),
        "empty": lambda: b"",
        "all ones": lambda: data[: len(data) // 2] + b"\xff" * (len(data) - len(data) // 2),
        "a pickle": lambda: b"\x80\x04" + data[2:],
        "a long header": lambda: (2 ** draw.randint(20, 62)).to_bytes(8, "little") + data[8:],
    }
    act = draw.choice(sorted(acts))
    path.write_bytes(acts[act]())
    return f"{path.name}: {act}"


def weight_header(folder: Path, draw: random.Random) -> str:
    """Change a node of the header of a weight file, which is JSON."""
    path = draw.choice(sorted(folder.glob("*.safetensors")))
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    try:
        header = json.loads(data[8 : 8 + length])
        said = mutate_tree(header, draw, [])
    except (ValueError, IndexError, AttributeError):  # an earlier mutation has left no header
        return "nothing"
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data[8 + length :])
    return f"header of {path.name}: {said}"


def other_file(folder: Path, draw: random.Random, others: list[Path]) -> str:
    """Change, remove, or take from another artifact any file."""
    path = draw.choice(sorted(path for path in folder.iterdir() if path.is_file()))
    act = draw.choice(("bytes", "remove", "swap", "folder", "link"))
    if act == "bytes":
        path.write_bytes(flipped(path.read_bytes(), draw, draw.randint(1, 5)))
        return f"{path.name}: {act}"
    path.unlink()
    source = draw.choice(others) / path.name
    if act == "swap" and source.is_file():
        path.write_bytes(source.read_bytes())
    elif act == "folder":
        path.mkdir()
    elif act == "link":
        path.symlink_to(path.name)
    return f"{path.name}: {act}"


def flipped(data: bytes, draw: random.Random, n: int) -> bytes:
    """Data with n bytes changed."""
    changed = bytearray(data)
    for _ in range(n if changed else 0):
        changed[draw.randrange(len(changed))] ^= draw.randint(1, 255)
    return bytes(changed)
