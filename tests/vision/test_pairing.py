"""Photos and masks are paired by name, in the layouts of public data sets and tools."""

from __future__ import annotations

from pathlib import Path

import pytest

from zoo.vision.data.pairing import Pairing, paired, sides
from zoo.vision.segmentation.masks import find_masks


def laid_out(folder: Path, *names: str) -> Path:
    """Empty files: names alone pair them."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def pairs_of(photos: Path, masks: Path) -> dict[str, str]:
    found = paired(*sides(photos, masks))
    return {str(photo.place): str(mask.place) for photo, mask in found.pairs}


LAYOUTS = {  # photos, masks, photo -> mask, and files of neither
    "CamVid of the course": (
        *("images", "labels"),
        {"0001TP_006690.png": "0001TP_006690_P.png", "Seq05VD_f00000.png": "Seq05VD_f00000_P.png"},
        ["codes.txt", "valid.txt"],
    ),
    "CamVid as published": (
        *("701_StillsRaw_full", "LabeledApproved_full"),
        {"0016E5_00390.png": "0016E5_00390_L.png", "0016E5_00420.png": "0016E5_00420_L.png"},
        [],
    ),
    "CamVid of SegNet": (
        *("", ""),
        {"train/0001TP_1.png": "trainannot/0001TP_1.png", "val/16E5_2.png": "valannot/16E5_2.png"},
        ["train.txt"],
    ),
    "Oxford-IIIT Pet": (
        *("images", "annotations/trimaps"),
        {"Abyssinian_1.jpg": "Abyssinian_1.png", "pug_12.jpg": "pug_12.png"},
        ["images/Abyssinian_100.mat", "annotations/trimaps/._Abyssinian_1.png"],
    ),
    "Carvana": (
        *("train", "train_masks"),
        {"00087a6bd4dc_01.jpg": "00087a6bd4dc_01_mask.gif",
         "00087a6bd4dc_02.jpg": "00087a6bd4dc_02_mask.gif"},
        [],
    ),
    "Carvana from its root": (
        *("", ""),
        {"train/0cdf_01.jpg": "train_masks/0cdf_01_mask.gif"},
        ["train_masks.csv"],
    ),
    "Pascal VOC": (
        *("VOC2012/JPEGImages", "VOC2012/SegmentationClass"),
        {"2007_000032.jpg": "2007_000032.png", "2007_000039.jpg": "2007_000039.png"},
        ["VOC2012/SegmentationObject/2007_000032.png", "VOC2012/Annotations/2007_000032.xml"],
    ),
    "labelme's VOC from its root": (
        *("", ""),
        {"JPEGImages/a.jpg": "SegmentationClass/a.png"},
        ["SegmentationClassVisualization/a.jpg", "class_names.txt"],
    ),
    "labelme's folders": (
        *("", ""),
        {"a_json/img.png": "a_json/label.png", "b_json/img.png": "b_json/label.png"},
        ["a_json/label_names.txt"],
    ),
    "Supervisely": (
        *("ds0/img", "ds0/masks_machine"),
        {"IMG_0748.jpeg": "IMG_0748.png", "IMG_1836.jpeg": "IMG_1836.png"},
        ["ds0/masks_human/IMG_0748.png", "ds0/ann/IMG_0748.jpeg.json", "meta.json"],
    ),
    "Supervisely from its root": (
        *("", ""),
        {"ds0/img/a.jpeg": "ds0/masks_machine/a.png", "ds1/img/a.jpeg": "ds1/masks_machine/a.png"},
        ["ds0/masks_human/a.png"],
    ),
    "Cityscapes": (
        *("leftImg8bit", "gtFine"),
        {"train/ulm/ulm_000001_000019_leftImg8bit.png":
            "train/ulm/ulm_000001_000019_gtFine_labelIds.png",
         "val/bonn/bonn_000002_000019_leftImg8bit.png":
            "val/bonn/bonn_000002_000019_gtFine_labelIds.png"},
        ["gtFine/train/ulm/ulm_000001_000019_gtFine_polygons.json"],
    ),
    "LoveDA": (
        *("", ""),
        {"Train/Rural/images_png/0.png": "Train/Rural/masks_png/0.png",
         "Train/Urban/images_png/0.png": "Train/Urban/masks_png/0.png"},
        [],
    ),
    "side by side": (
        *("", ""),
        {"0.png": "0_mask.png", "1.png": "1_mask.png", "deep/1.png": "deep/1_mask.png"},
        [],
    ),
    "side by side, told by the format": ("", "", {"0.jpg": "0.png", "1.JPG": "1.png"}, []),
    "DeepGlobe": ("", "", {"855_sat.jpg": "855_mask.png", "856_sat.jpg": "856_mask.png"}, []),
    "names that begin alike": (
        *("images", "masks"),
        {"img_001.png": "mask_001.png", "img_002.png": "mask_002.png"},
        [],
    ),
    "masks that keep the photo's suffix": (
        *("p", "m"),
        {"a.jpg": "a.jpg.png", "a.png": "a.png.png"},
        [],
    ),
    "masks in a folder among the photos": ("", "masks", {"a.jpg": "a.png", "b.jpg": "b.png"}, []),
    "photos in a folder among the masks": ("photos", "", {"a.jpg": "a.png"}, []),
    "two spellings of one name": ("p", "m", {"caf\u00e9.jpg": "cafe\u0301_mask.png",
                                             "IMG_1.JPG": "img_1.png"}, []),
    "a left and a plain camera": ("p", "m", {"s0.png": "s0.png", "s0_L.png": "s0_L.png"}, []),
    "a left and a plain camera, side by side": (
        *("", ""),
        {"s0.png": "s0_mask.png", "s0_L.png": "s0_L_mask.png"},
        [],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LAYOUTS)
def test_each_photo_of_a_layout_gets_its_mask(name: str, tmp_path: Path) -> None:
    photos, masks, expected, others = LAYOUTS[name]
    laid_out(tmp_path / photos, *expected)
    laid_out(tmp_path / masks, *expected.values())
    laid_out(tmp_path, *others)
    assert pairs_of(tmp_path / photos, tmp_path / masks) == expected


def left_over(folder: Path, photos: str = "p", masks: str = "m") -> Pairing:
    return paired(*sides(folder / photos, folder / masks))


def test_several_masks_of_a_photo_are_refused(tmp_path: Path) -> None:
    for i, second in enumerate(("a_mask_1.png", "a_mask2.png", "a_label.png", "a.gif")):
        folder = laid_out(tmp_path / str(i), "p/a.png", "m/a_mask.png", f"m/{second}")
        with pytest.raises(ValueError, match=r"must have one mask, got .* for a\.png\. Merge"):
            left_over(folder)
    folder = laid_out(
        tmp_path / "c", "p/u_leftImg8bit.png", "m/u_gtFine_labelIds.png",
        "m/u_gtFine_labelTrainIds.png",
    )  # fmt: skip
    with pytest.raises(ValueError, match=r"labelIds\.png, u_gtFine_labelTrainIds\.png for u_left"):
        left_over(folder)


def test_a_mask_of_several_photos_is_refused(tmp_path: Path) -> None:
    laid_out(tmp_path, "p/a.jpg", "p/a.png", "p/b.png", "m/a.png", "m/b.png")
    with pytest.raises(ValueError, match=r"belong to one photo, got a\.png for a\.jpg, a\.png\."):
        left_over(tmp_path)


def test_pictures_of_masks_are_no_masks(tmp_path: Path) -> None:
    laid_out(
        tmp_path, "p/a_leftImg8bit.png", "m/a_gtFine_color.png", "m/a_gtFine_instanceIds.png",
        "m/a_gtFine_labelIds.png",
    )  # fmt: skip
    found = left_over(tmp_path)
    assert [str(mask.place) for _, mask in found.pairs] == ["a_gtFine_labelIds.png"]
    assert len(found.masks) == 2


def test_what_is_left_over_is_named_once(tmp_path: Path) -> None:
    laid_out(tmp_path, "p/a.jpg", "p/b.jpg", "p/c.jpg", "m/a.png", "m/d.png")
    with pytest.warns(UserWarning, match=r"2 photos have no mask .*b\.jpg.*c\.jpg; 1 .*d\.png"):
        found = find_masks(tmp_path / "p", tmp_path / "m")
    assert [path.name for path in found.photos] == ["a.jpg"]
    assert [path.name for path in found.without_mask] == ["b.jpg", "c.jpg"]
    assert [path.name for path in found.without_photo] == ["d.png"]


def test_photos_and_masks_without_a_common_name_are_refused(tmp_path: Path) -> None:
    laid_out(tmp_path, "p/a.jpg", "m/b.png")
    with pytest.raises(ValueError, match=r"share a name, got a\.jpg and b\.png\. Call them"):
        find_masks(tmp_path / "p", tmp_path / "m")
    laid_out(tmp_path / "alone", "a.jpg", "b.jpg")
    with pytest.raises(ValueError, match=r"told by their names, got a\.jpg, b\.jpg\. Call"):
        find_masks(tmp_path / "alone")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="must hold some, got none"):
        find_masks(tmp_path / "empty", tmp_path / "m")


def test_a_test_part_is_neither_trained_nor_validated_on(tmp_path: Path) -> None:
    for part in ("train", "test"):
        laid_out(tmp_path, *(f"{kind}/{part}/{i}.png" for kind in "pm" for i in range(3)))
    with pytest.warns(UserWarning, match="3 photos of a test part"):
        found = find_masks(tmp_path / "p", tmp_path / "m")
    assert found.is_valid is None
    assert found.n_test == 3
    assert {path.parent.name for path in found.photos} == {"train"}
    laid_out(tmp_path, "p/val/0.png", "m/val/0.png")
    with pytest.warns(UserWarning, match="3 photos of a test part"):
        found = find_masks(tmp_path / "p", tmp_path / "m")
    assert found.is_valid is not None
    assert found.is_valid.tolist() == [False] * 3 + [True]


def test_parts_are_told_wherever_their_folders_lie(tmp_path: Path) -> None:
    laid_out(tmp_path, *(f"{kind}/{part}/a.png" for kind in ("images", "masks")
                         for part in ("training", "validation")))  # fmt: skip
    found = find_masks(tmp_path)
    assert found.is_valid is not None
    assert found.is_valid.tolist() == [False, True]


def test_masks_before_photos_are_answered_with_their_order(tmp_path: Path) -> None:
    laid_out(tmp_path, "images/a.jpg", "masks/a.png")
    with pytest.raises(ValueError, match=r"photos must come first .*, got 'masks' and 'images'\."):
        find_masks(tmp_path / "masks", tmp_path / "images")
    assert len(find_masks(tmp_path / "images", tmp_path / "masks")) == 1
