"""Is the wheel all that a stranger needs? It is installed where nothing else is, and tried.

A clean environment gets the built wheel from pip, with what it names and no extra. There every
command must answer `--help`, no package of development may have come along, and every published
model must answer an input, or name the extra that it needs; with that extra it must answer. With
`--uv` the same by `uv tool install`, without it. A row each: megabytes of the wheel and of the
environment, seconds of the installation, commands and models that answered.

    make wheel-check                        # writes results/wheel_check.csv; gigabytes to install
    python -m benchmarks.wheel_check --uv
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from scripts.lib.record import ROOT, append

DEVELOPMENT: Final = ("pytest", "mypy", "ruff", "hypothesis", "nbclient", "coverage")
EXTRA: Final = "text"

TRY: Final = """
import importlib.util, io, json, sys, warnings
import typer
import zoo
from typer.testing import CliRunner
from zoo.cli.app import app

warnings.simplefilter("ignore")

def names(command, before=()):
    inside = getattr(command, "commands", {})
    if not inside:
        yield before
    for name, one in inside.items():
        yield from names(one, (*before, name))

def image():
    from PIL import Image
    return Image.new("RGB", (64, 64), "white")

ASK = {
    "zoo/adult": lambda m: m.predict({name: None for name in m.spec.inputs}),
    "zoo/rossmann": lambda m: m.predict({name: None for name in m.spec.inputs}),
    "zoo/digits": lambda m: m.predict(image()),
    "zoo/movielens-100k": lambda m: m.fold_in([m.spec.items[0]]).recommend(3),
    "zoo/lstm-wiki": lambda m: m.predict("The first"),
    "zoo/sentiment": lambda m: m.predict("I have seen better."),
}
run = CliRunner()
commands = list(names(typer.main.get_command(app)))
silent = [c for c in commands if run.invoke(app, [*c, "--help"]).exit_code]
answered, lacking, wrong = [], [], []
for entry in zoo.hub.entries():
    try:
        ASK[entry.name](zoo.load(entry.name))
        answered.append(entry.name)
    except ModuleNotFoundError as error:
        (lacking if "pip install" in str(error) else wrong).append(f"{entry.name}: {error}")
    except Exception as error:
        wrong.append(f"{entry.name}: {error!r}")
print(json.dumps({
    "commands": len(commands), "silent": silent, "answered": answered, "lacking": lacking,
    "wrong": wrong, "place": zoo.__file__,
    "development": [name for name in sys.argv[1:] if importlib.util.find_spec(name)],
}))
"""


def main() -> None:
    """A row for pip, one with the extra, and one for uv if it is asked for."""
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--uv", action="store_true")
    flags.add_argument("--smoke", action="store_true", help="Build the wheel, install nothing.")
    chosen = flags.parse_args()
    with tempfile.TemporaryDirectory() as work:
        wheel = built(Path(work))
        megabytes = wheel.stat().st_size / 1e6
        if chosen.smoke:
            print(f"wheel={wheel.name}  wheel_mb={megabytes:.3g}")
            return
        python = Path(work) / "clean" / "bin" / "python"
        quiet("-m", "venv", python.parents[1])
        for installer, extra in (("pip", ""), (f"pip, {EXTRA}", f"[{EXTRA}]")):
            seconds = timed(python, "-m", "pip", "install", "--quiet", f"{wheel}{extra}")
            found = tried(python, may_lack=not extra)
            tell(installer, megabytes, python.parents[1], seconds, found)
        if chosen.uv:
            by_uv(wheel, Path(work), megabytes)


def built(folder: Path) -> Path:
    """The wheel of this checkout.

    Raises:
        AssertionError: it holds more than the library.
    """
    quiet("-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT)
    (wheel,) = folder.glob("transfer_zoo-*.whl")
    listed = subprocess.run(
        [sys.executable, "-m", "zipfile", "-l", wheel], check=True, capture_output=True, text=True
    )
    names = [line.split()[0] for line in listed.stdout.splitlines()[1:]]
    others = [name for name in names if not name.startswith(("zoo/", "transfer_zoo-"))]
    assert not others, others
    return wheel


def by_uv(wheel: Path, work: Path, megabytes: float) -> None:
    """The same, as a tool that uv installs apart from everything."""
    place = work / "uv"
    quiet("-m", "venv", place)
    quiet("-m", "pip", "install", "--quiet", "uv", python=place / "bin" / "python")
    own = {"UV_TOOL_DIR": str(work / "tools"), "UV_TOOL_BIN_DIR": str(work / "bin")}
    began = time.perf_counter()
    install = [place / "bin" / "uv", "tool", "install", "--quiet", wheel]
    subprocess.run(install, check=True, env=clean() | own)
    seconds = time.perf_counter() - began
    subprocess.run([work / "bin" / "zoo", "--version"], check=True, env=clean())
    tool = work / "tools" / "transfer-zoo"
    found = tried(tool / "bin" / "python", may_lack=True)
    tell("uv tool", megabytes, tool, seconds, found)


def tried(python: Path, *, may_lack: bool) -> dict[str, Any]:
    """What answers in an environment.

    Raises:
        AssertionError: something does not, or development came along.
    """
    with tempfile.TemporaryDirectory() as elsewhere:
        done = subprocess.run(
            [python, "-c", TRY, *DEVELOPMENT],
            check=True,
            capture_output=True,
            text=True,
            env=clean(),
            cwd=elsewhere,
        )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert not found["silent"], found["silent"]
    assert not found["wrong"], found["wrong"]
    assert not found["development"], found["development"]
    assert may_lack or not found["lacking"], found["lacking"]
    assert not found["place"].startswith(f"{ROOT}/"), found["place"]
    return found


def tell(
    installer: str, megabytes: float, place: Path, seconds: float, found: dict[str, Any]
) -> None:
    """A row of the record."""
    whole = sum(one.stat().st_size for one in place.rglob("*") if one.is_file())
    append(
        "wheel_check.csv",
        installer=installer,
        wheel_mb=megabytes,
        environment_mb=whole / 1e6,
        seconds=seconds,
        commands=found["commands"],
        models=len(found["answered"]),
        name_an_extra=len(found["lacking"]),
    )


def timed(python: Path, *words: Any) -> float:
    """Seconds that a call of a Python takes."""
    began = time.perf_counter()
    quiet(*words, python=python)
    return time.perf_counter() - began


def quiet(*words: Any, python: str | Path = sys.executable) -> None:
    """Call a Python, which must succeed."""
    subprocess.run([python, *words], check=True, env=clean())


def clean() -> dict[str, str]:
    """The environment without this checkout in it."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


if __name__ == "__main__":
    main()
