"""Where pictures of photos are written to: one place each, and none that is taken."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from zoo.core.messages import few
from zoo.vision.data.photo_lists import photo_list, require_files


def places(photos: Sequence[Path], out: Path) -> dict[Path, Path]:
    """The PNG file that each photo's picture is to be written to.

    A photo of a folder keeps its place in that folder. Where two would be one file, names keep the
    suffix of the photo, then the name of the folder that was named.

    Args:
        photos: files, or folders of photos at any depth.
        out: folder of the pictures; what lies in it is no photo.

    Raises:
        ValueError: there are no photos, or one does not exist.
        FileExistsError: a file is there already.
    """
    names: dict[Path, list[Path]] = {}  # from the shortest to the longest
    for named in photos:
        folder = named if named.is_dir() else named.parent
        for path in photo_list(named) if named.is_dir() else [named]:
            if named.is_dir() and out.resolve() in path.resolve().parents:
                continue
            place = path.relative_to(folder)
            whole = place.with_name(place.name + ".png")
            names[path] = [place.with_suffix(".png"), whole, Path(folder.resolve().name) / whole]
    require_files(names, ValueError)
    targets = {path: out / name for path, name in zip(names, _different(names), strict=True)}
    if taken := [str(target) for target in targets.values() if target.exists()]:
        raise FileExistsError(
            f"pictures must be written to new files, got {few(taken)}, which is there already. "
            "Choose another folder with --out."
        )
    return targets


def _different(names: dict[Path, list[Path]]) -> Iterable[Path]:
    """The shortest name of each that no other one has."""
    for form in zip(*names.values(), strict=True):
        if len({str(name).casefold() for name in form}) == len(names):
            return form
    # photos of equally named folders
    return [Path(str(i)) / options[1] for i, options in enumerate(names.values(), start=1)]
