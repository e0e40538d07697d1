"""Hostile names in hubs, archives and configs are refused, and nothing outside is touched.

Every name is tried in each place that can say it: as a file of a repository, in its list of hashes,
in the files and the members of a config.json (from a hub on the loopback, from a folder in the
hub's place, and loaded as it lies), and as a member of a zip, a tar and a tar.xz. Links and devices
are tried in archives and in folders. A place must refuse it with one or two sentences, or, if it is
a repository's file that no config names, leave it where it is. Around everything lie files that
must stay what they are, and nothing new may appear beside them.

Cost: a minute of one core.

    python -m tests.faults.hostile_names
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import shutil
import signal
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import zoo
from benchmarks.hub_faults import serving
from tests.faults.campaign import campaign, flags, quiet
from tests.hub.server import Hub
from tests.stored.artifacts import FORMAT_1

VICTIM = "{victim}"  # stands for the path of a file outside
HANGS = 20.0  # seconds
ARTIFACT = FORMAT_1 / "collab-dot-bias"

NAMES: list[tuple[str, ...]] = [
    *[(VICTIM,), ("/etc/passwd",), ("/dev/zero",), ("/proc/self/mem",), ("//host/share/x",)],
    *[("file:///etc/passwd",), ("../victim.txt",), ("../../victim.txt",), ("../../../victim.txt",)],
    *[("a/../../victim.txt",), ("./../victim.txt",), ("a/b/../../../victim.txt",), ("..",)],
    *[
        ("a/..",),
        ("...",),
        (". .",),
    ],
    *[("..\\victim.txt",), ("a\\..\\..\\victim.txt",), ("\\victim.txt",), ("a\\b",)],
    *[("\\\\host\\share\\x",), ("\\\\?\\C:\\x",), ("C:\\victim.txt",), ("C:victim.txt",)],
    *[("c:/victim.txt",), ("victim.txt:stream",), ("victim.txt::$DATA",), ("nul",), ("CON",)],
    *[("con.txt",), ("aux.json",), ("com1",), ("LPT9.txt",), ("conin$",), ("prn.tar.gz",)],
    *[("victim.txt.",), ("victim.txt ",), ("victim.txt..",), ("a./b",), ("a /b",), (" ",)],
    *[("a\nb",), ("a\rb",), ("a\tb",), ("\x1b[2Jx",), ("\x7fa",), ("a\x85b",), ("a\u2028b",)],
    *[("a\u202egpj.exe",), ("a\u2066b",), ("a*b",), ("a?b",), ('a"b',), ("a<b",), ("a|b",)],
    *[("x" * 300,), ("\u00e9" * 200,), ("/".join("a" * 600),), ("README.md", "readme.md")],
    *[("MODEL.safetensors", "model.safetensors"), ("stra\u00dfe.csv", "STRASSE.csv")],
    *[("caf\u00e9.csv", "cafe\u0301.csv"), ("\u212a.csv", "k.csv"), ("a/x.csv", "A/y.csv")],
]
"""Names, or names that some system takes for one."""

SECRET = b"years of work"
OURS = {"SHA256SUMS", "card.json", "transfer-zoo.yaml"}  # what publishing adds to a model

LINKS = ("symlink to a file", "symlink to a folder", "hard link", "symlink loop", "fifo", "device")

Act = Callable[[], object]


def attempt_names(names: tuple[str, ...], place: Path) -> str:
    """Try names everywhere; in which places they were taken, or did harm."""
    wrong = []
    for where, act in everywhere(names, place):
        wrong += [f"{where}: {said}" for said in [tried(act, place)] if said]
    return "; ".join(wrong)


def attempt_link(kind: str, place: Path) -> str:
    """Try a link or a device in archives and in the folder of a model."""
    acts = {
        **{f"tar{mode}": packed_link(kind, place, mode) for mode in ("", ".xz")},
    }
    if kind not in ("hard link", "fifo"):  # of which the one is a file, and the other is passed by
        acts["folder"] = linked_folder(kind, place)
    if kind.startswith("symlink"):
        acts["zip"] = zipped_link(place)
    wrong = [f"{where}: {said}" for where, act in acts.items() if (said := tried(act, place))]
    return "; ".join(wrong)


def tried(act: Act, place: Path) -> str:
    """What is wrong with how an act ended; it may say that it left the name where it was."""
    before = outside(place)
    try:
        with within(HANGS):
            taken = act()
    except (ValueError, OSError) as error:
        if "\n" in str(error) or not isinstance(error, ValueError):
            return f"no sentence of ours: {type(error).__name__}: {error!s:.200}"
        taken = None
    except Exception as error:
        return f"a foreign error: {type(error).__name__}: {error!s:.200}"
    if outside(place) != before:
        return "something outside has changed"
    return "" if taken in (None, "left") else f"it was taken: {taken!s:.100}"


def outside(place: Path) -> dict[str, Any]:
    """Files around the folders that may be written to."""
    allowed = {place / name for name in ("cache", "target", "work")}
    return {
        str(path.relative_to(place)): path.read_bytes() if path.is_file() else None
        for path in place.rglob("*")
        if not any(path.is_relative_to(one) for one in allowed)
    }


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    """End what hangs."""

    def over(*_: object) -> None:
        raise TimeoutError(f"nothing in {seconds} s")

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


# ---- places of names -----------------------------------------------------------------------------


def everywhere(names: tuple[str, ...], place: Path) -> Iterator[tuple[str, Act]]:
    """Every place that can say the names, and what reads it."""
    names = tuple(name.replace(VICTIM, str(place / "victim.txt")) for name in names)
    for kind, files in repositories(names).items():
        yield f"hub, {kind}", lambda files=files, kind=kind: pulled(files, place, kind)  # type: ignore[misc]
        if kind != "repository":
            folder = written(files, place / "work" / kind / "someone" / "trap")
            yield f"folder, {kind}", lambda folder=folder: loaded(folder)  # type: ignore[misc]
    for kind, content in archives(names):
        yield kind, lambda kind=kind, content=content: unpacked(kind, content, place)  # type: ignore[misc]


def repositories(names: tuple[str, ...]) -> dict[str, dict[str, bytes]]:
    """Repositories of a whole model, by the place in which they say the names."""
    files = {path.name: path.read_bytes() for path in sorted(ARTIFACT.iterdir())}
    config = json.loads(files["config.json"])
    own = ["README.md", "history.csv", *config.get("files", [])]
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    lines = [
        f"{digest}  {name}" for name, digest in [*sums.items(), *((n, "0" * 64) for n in names)]
    ]

    def with_config(**changes: Any) -> dict[str, bytes]:
        return files | {"config.json": json.dumps(config | changes).encode()}

    weights = [name if name.endswith(".safetensors") else f"{name}.safetensors" for name in names]
    return {
        "repository": {**dict.fromkeys(names, b"evil"), **files},
        "sums": files | {"SHA256SUMS": ("\n".join(lines) + "\n").encode("utf-8", "surrogatepass")},
        "files": with_config(files=sorted({*own, *names})),
        "members": with_config(members=["model.safetensors", *weights]),
    }


def pulled(files: dict[str, bytes], place: Path, kind: str) -> object:
    """Fetch a repository from a hub on the loopback."""
    cache = Path(tempfile.mkdtemp(dir=place / "cache"))
    with serving() as hub:
        assert isinstance(hub, Hub)
        hub.repositories["someone/trap"] = files
        folder = zoo.hub.pull("someone/trap", cache=cache)
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*")}
    known = {path.name for path in ARTIFACT.iterdir()}
    return "left" if kind == "repository" and names <= known else names


def loaded(folder: Path) -> object:
    """Fetch a model that lies on a folder in the hub's place, and publish it from there.

    Publishing may leave behind what no plain name leads to.
    """
    with contextlib.suppress(ValueError):
        return zoo.hub.pull("someone/trap", hub=folder.parents[1])
    mine = folder.parents[2] / "mine"
    with contextlib.suppress(ValueError):
        zoo.hub.push(folder, "me/trap", hub=mine)
    sent = [path for path in (mine / "me" / "trap").rglob("*") if not path.is_dir()]
    wrong = [p for p in sent if p.is_symlink() or not p.is_file() or SECRET in p.read_bytes()]
    wrong += [p for p in sent if p.name not in {file.name for file in ARTIFACT.iterdir()} | OURS]
    shutil.rmtree(mine, ignore_errors=True)
    return wrong or "left"


def written(files: dict[str, bytes], folder: Path) -> Path:
    """A fresh folder of files."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def archives(names: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    """Archives whose members have the names, by their kind; what cannot say a name is left out."""
    for kind, mode in (("tar", "w:"), ("tar.xz", "w:xz")):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode=mode, format=tarfile.PAX_FORMAT) as archive:  # type: ignore[call-overload]
            for name in names:
                info = tarfile.TarInfo(name)
                info.size = 4
                archive.addfile(info, io.BytesIO(b"evil"))
        yield kind, buffer.getvalue()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as zipped:
        for name in names:
            info_of = zipfile.ZipInfo()
            info_of.filename = name  # as it is
            zipped.writestr(info_of, b"evil")
    yield "zip", buffer.getvalue()


def unpacked(kind: str, content: bytes, place: Path) -> object:
    """Unpack an archive."""
    from zoo.data.archive import unpack

    archive = place / "work" / f"a.{kind}"
    archive.write_bytes(content)
    target = place / "target"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    return unpack(archive, target, limit=10**6, files=100, tick=lambda *_: None)


# ---- links ---------------------------------------------------------------------------------------


def packed_link(kind: str, place: Path, compression: str) -> Act:
    """A tar with a link or device, and a file behind it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=f"w:{compression[1:]}") as archive:  # type: ignore[call-overload]
        info = tarfile.TarInfo("link")
        info.type = {
            "hard link": tarfile.LNKTYPE,
            "fifo": tarfile.FIFOTYPE,
            "device": tarfile.CHRTYPE,
        }.get(kind, tarfile.SYMTYPE)
        info.linkname = str(place / "victim.txt")
        if kind == "symlink to a folder":
            info.linkname = ".."
        if kind == "symlink loop":
            info.linkname = "link"
        archive.addfile(info)
        behind = tarfile.TarInfo("link/new.txt" if "folder" in kind else "link")
        behind.size = 4
        archive.addfile(behind, io.BytesIO(b"evil"))
    return lambda: unpacked(f"tar{compression}", buffer.getvalue(), place)


def zipped_link(place: Path) -> Act:
    """A zip with a symbolic link."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        info = zipfile.ZipInfo("link")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, str(place / "victim.txt"))
    return lambda: unpacked("zip", buffer.getvalue(), place)


def linked_folder(kind: str, place: Path) -> Act:
    """A model's folder whose card is a link or device, to be published and fetched."""

    def act() -> object:
        folder = written(
            repositories(())["repository"], place / "work" / "linked" / "someone" / "trap"
        )
        card = folder / "README.md"
        card.unlink()
        targets = {"device": "/dev/zero", "symlink to a folder": "..", "symlink loop": card.name}
        card.symlink_to(targets.get(kind, str(place / "victim.txt")))
        return loaded(folder)

    return act


def main() -> None:
    """All names and links."""
    quiet()
    os.environ |= {"HF_HUB_DISABLE_XET": "1", "HF_TOKEN": "a-token", "HF_HUB_OFFLINE": "0"}
    chosen = flags(__doc__)
    names = [ascii(" + ".join(name))[:60] for name in NAMES] + list(LINKS)

    def attempt(number: int) -> str:
        with tempfile.TemporaryDirectory() as temporary:
            place = Path(temporary)
            os.environ["HF_HOME"] = str(place / "cache")
            for folder in ("cache", "target", "work"):
                (place / folder).mkdir()
            (place / "victim.txt").write_bytes(SECRET)
            (place / "keep").mkdir()
            (place / "keep" / "notes.txt").write_text("more of it")
            if number < len(NAMES):
                return attempt_names(NAMES[number], place)
            return attempt_link(names[number], place)

    campaign("hostile names", names, attempt, chosen)


if __name__ == "__main__":
    main()
