"""Which picture is whose mask, told by names: one rule for the layouts that people and tools use.

| layout | photo | mask |
|---|---|---|
| two folders | `photos/a.jpg` | `masks/a.png`, `masks/a_mask.png`, `masks/a.jpg.png` |
| side by side | `a.jpg` | `a_mask.png`, or `a.png` beside a JPEG |
| one root | `train/images/a.jpg` | `train/masks/a.png` |
| Cityscapes | `train/ulm/a_leftImg8bit.png` | `train/ulm/a_gtFine_labelIds.png` |

A mask belongs to the photo of the same name; then to that of its name without an ending such as
`_mask`; then to that whose name is the same without an ending of its own. A photo has one mask and
a mask one photo, else nothing is paired at all.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from zoo.core.messages import few
from zoo.vision.data.folders import photos_in

Key = tuple[str, ...]

TRAIN: Final = frozenset({"train", "training"})  # names of folders, as `part_of` gives them
VALID: Final = frozenset({"valid", "val", "validation"})
TEST: Final = frozenset({"test", "testing"})  # for a last score, never for validation
_KINDS: Final = r"masks?|labels?|lbl|segs?|segmentations?|annot(?:ation)?s?|gt|ground[_-]?truths?"
_MASK_FOLDER: Final = re.compile(
    rf"^(?:(?P<rest>.+)[_ -])?(?:(?:{_KINDS})(?:_(?:png|gif|machine))?|gt(?:fine|coarse)|trimaps?"
    r"|segmentationclass(?:png|aug)?)$|^(?P<glued>.+)annot$",
    re.IGNORECASE,
)
_PHOTO_FOLDER: Final = re.compile(
    r"^(?:(?P<rest>.+)[_ -])?(?:images?|imgs?|photos?|pictures?|jpegimages|leftimg8bit)"
    r"(?:_(?:png|jpe?g|tif))?$",
    re.IGNORECASE,
)
_MASK_NAME: Final = re.compile(
    rf"^(?:masks?|labels?|gt|seg)(?:[_.-]|(?=\d))(?P<after>.+)$|^(?P<before>.+?)[_.-](?:{_KINDS}"
    rf"|trimap|(?:gtfine_|gtcoarse_)?label(?:train)?ids|(?:mask|label|seg)[_.-]?\d+|[pl])$"
    rf"|^(?:{_KINDS})$",
    re.IGNORECASE,
)
_PHOTO_NAME: Final = re.compile(
    r"^(?:image|img|photo|pic|frame|rgb|sat)s?(?:[_.-]|(?=\d))(?P<after>.+)$"
    r"|^(?P<before>.+?)[_.-](?:leftimg8bit|image|img|photo|rgb|sat|input)$|^(?:image|img|photo)$",
    re.IGNORECASE,
)
_PICTURE_OF_MASK: Final = re.compile(  # coloured for eyes, or numbers of objects, not of classes
    r"[_.-](?:gtfine_|gtcoarse_)?(?:colou?r|instanceids|instance|vis|viz|visualization|overlay)$",
    re.IGNORECASE,
)
_LOSSY: Final = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".heic", ".heif"})


class Picture(NamedTuple):
    """A file, and where it lies in its folder.

    Attributes:
        path: where the file lies.
        place: path in the folder that the user named.
    """

    path: Path
    place: Path


@dataclass(frozen=True)
class Pairing:
    """Photos with their masks, and what belongs to nothing.

    Attributes:
        pairs: photo and mask.
        photos: without a mask.
        masks: without a photo.
    """

    pairs: list[tuple[Picture, Picture]]
    photos: list[Picture]
    masks: list[Picture]


def sides(photos: Path, masks: Path) -> tuple[list[Picture], list[Picture]]:
    """The pictures of two folders, told apart where one holds the other or both are the same.

    Raises:
        FileNotFoundError: a folder does not exist.
        ValueError: there are no photos, or no masks among them.
    """
    for folder in (photos, masks):
        if not folder.is_dir():
            raise FileNotFoundError(
                f"photos and masks must be folders, got {str(folder)!r}. Correct the name."
            )
    if _MASK_FOLDER.match(photos.name) and _PHOTO_FOLDER.match(masks.name):
        raise ValueError(
            f"photos must come first and their masks second, got {photos.name!r} and "
            f"{masks.name!r}. Turn them round, or rename the folders if they are right."
        )
    of_photos, of_masks = _pictures(photos), _pictures(masks)
    if not of_photos:
        raise ValueError(
            f"a folder of photos must hold some, got none in '{photos}'. Correct the name."
        )
    whole, part = photos.resolve(), masks.resolve()
    if whole == part:
        return _mixed_sides(of_photos)
    if whole in part.parents:  # masks lie in a folder among the photos
        of_photos = _others(of_photos, of_masks, _PHOTO_FOLDER)
    elif part in whole.parents:  # photos lie in a folder among the masks
        of_masks = _others(of_masks, of_photos, _MASK_FOLDER)
    return of_photos, of_masks


def paired(photos: Sequence[Picture], masks: Sequence[Picture]) -> Pairing:
    """The pairs by name, in the order of the photos.

    Raises:
        ValueError: a photo has several masks, or several photos one mask.
    """
    real = [one for one in masks if not _PICTURE_OF_MASK.search(one.path.stem)] or list(masks)
    mask_of: dict[int, int] = {}
    free = set(range(len(real)))
    for photo_keys, mask_key in _RULES:
        by_key: dict[Key, list[int]] = defaultdict(list)
        for i, photo in enumerate(photos):
            for key in photo_keys(photo):
                by_key[key].append(i)
        groups: dict[tuple[int, ...], list[int]] = defaultdict(list)
        for j in sorted(free):
            if owners := by_key.get(mask_key(real[j])):
                groups[tuple(owners)].append(j)
        for owner, group in groups.items():
            earlier = [mask_of[owner[0]]] if owner[0] in mask_of else []
            _require_one_each([photos[i] for i in owner], [real[j] for j in (*earlier, *group)])
            mask_of[owner[0]] = group[0]
            free -= set(group)
    aside = [one for one in masks if _PICTURE_OF_MASK.search(one.path.stem) and one not in real]
    return Pairing(
        [(photos[i], real[mask_of[i]]) for i in sorted(mask_of)],
        [photo for i, photo in enumerate(photos) if i not in mask_of],
        [real[j] for j in sorted(free)] + aside,
    )


def part_of(place: Path) -> str:
    """The part of the data that a picture's place names: its first folder, or nothing.

    >>> part_of(Path("Train/Rural/images_png/0.png")), part_of(Path("images/val/a.jpg"))
    ('train', 'val')
    """
    folders = _folders(_PHOTO_FOLDER, place)
    return folders[0] if folders else ""


def _require_one_each(photos: list[Picture], masks: list[Picture]) -> None:
    """Refuse several masks of one photo, or several photos of one mask."""
    photo, mask = (few([str(one.place) for one in side]) for side in (photos, masks))
    if len(photos) > 1:
        raise ValueError(
            f"a mask must belong to one photo, got {mask} for {photo}. Rename files, or give a "
            "table of paths of photos and masks."
        )
    if len(masks) == 1:
        return
    raise ValueError(
        f"a photo must have one mask, got {mask} for {photo}. Merge them, move the others "
        "elsewhere, or give a table of paths of photos and masks."
    )


def _mixed_sides(pictures: list[Picture]) -> tuple[list[Picture], list[Picture]]:
    """Photos and masks that lie together: by their folders, their names, or their formats."""
    masks = [one for one in pictures if _in_folder(_MASK_FOLDER, one)]
    if masks and (photos := _others(pictures, masks, _PHOTO_FOLDER)):
        return photos, masks
    wanted = {_stripped_mask(one) for one in pictures if _is_mask(one)}
    masks = [one for one in pictures if _is_mask(one) and not _whole_keys(one) & wanted]
    photos = [one for one in pictures if one not in set(masks)]
    if wanted & {key for photo in photos for key in (*_whole_keys(photo), *_stripped_keys(photo))}:
        return photos, masks
    stems = {_named(one.path.stem, one) for one in pictures if _is_lossy(one)}
    masks = [one for one in pictures if not _is_lossy(one) and _named(one.path.stem, one) in stems]
    if masks:
        return [one for one in pictures if one not in set(masks)], masks
    raise ValueError(
        "masks among photos must be told by their names, got "
        f"{few([str(one.place) for one in pictures])}. Call them such as cat_mask.png, move them "
        "to a folder of their own, or give a table of paths."
    )


def _others(pictures: list[Picture], taken: list[Picture], kind: re.Pattern[str]) -> list[Picture]:
    """The pictures that are not taken, those in folders of a kind alone if there are any."""
    paths = {one.path.resolve() for one in taken}
    others = [one for one in pictures if one.path.resolve() not in paths]
    return [one for one in others if _in_folder(kind, one)] or others


def _pictures(folder: Path) -> list[Picture]:
    return [Picture(path, path.relative_to(folder)) for path in photos_in(folder)]


def _is_lossy(picture: Picture) -> bool:
    return picture.path.suffix.lower() in _LOSSY


def _is_mask(picture: Picture) -> bool:
    stem = picture.path.stem
    return bool(_MASK_NAME.match(stem) or _PICTURE_OF_MASK.search(stem))


def _in_folder(kind: re.Pattern[str], picture: Picture) -> bool:
    return any(kind.match(name) for name in picture.place.parent.parts)


def _folders(kind: re.Pattern[str], place: Path) -> Key:
    """The folders of a place, without those that merely say what lies in them."""
    names = (_folded(_without(kind, name)) for name in place.parent.parts)
    return tuple(name for name in names if name)


def _without(kind: re.Pattern[str], stem: str) -> str:
    """A name without what merely says that it is a photo or a mask."""
    match = kind.match(stem)
    return next((part for part in match.groups() if part), "") if match else stem


def _folded(name: str) -> str:
    """A name as any file system may spell it: composed, without case."""
    return unicodedata.normalize("NFC", name).casefold()


def _named(stem: str, picture: Picture, kind: re.Pattern[str] = _PHOTO_FOLDER) -> Key:
    return (*_folders(kind, picture.place), _folded(stem))


def _place_key(picture: Picture) -> Key:
    """By its place as it is, without suffix."""
    return picture.place.with_suffix("").parts


def _whole_mask(mask: Picture) -> Key:
    return _named(mask.path.stem, mask, _MASK_FOLDER)


def _stripped_mask(picture: Picture) -> Key:
    stem = _PICTURE_OF_MASK.sub("", picture.path.stem)
    return _named(_without(_MASK_NAME, stem), picture, _MASK_FOLDER)


def _whole_keys(photo: Picture) -> set[Key]:
    """By its name with and without suffix: masks are called a.png and a.jpg.png."""
    return {_named(photo.path.stem, photo), _named(photo.path.name, photo)}


def _stripped_keys(photo: Picture) -> set[Key]:
    return {_named(_without(_PHOTO_NAME, photo.path.stem), photo)}


_RULES: Final[tuple[tuple[Callable[[Picture], set[Key]], Callable[[Picture], Key]], ...]] = (
    (lambda photo: {photo.place.parts}, _place_key),
    (lambda photo: {_place_key(photo)}, _place_key),
    (_whole_keys, _whole_mask),
    (_whole_keys, _stripped_mask),
    (_stripped_keys, _stripped_mask),
    (_stripped_keys, _whole_mask),
)
"""From the most literal to the loosest: keys of a photo, and the key of a mask."""
