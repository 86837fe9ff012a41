from __future__ import annotations

import hashlib
import os
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from core.capture.photos import WORKING_LONG_SIDE, load_photo
from core.errors import UnreadableMedia

_UNDO = {  # EXIF orientation -> how to store an upright image so that this orientation shows it upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def difference(a: np.ndarray, b: np.ndarray) -> float:
    assert a.shape == b.shape
    return float(np.abs(a.astype(int) - b.astype(int)).mean())


def save_with_exif(path: Path, image: Image.Image, **tags: object) -> None:
    exif = Image.Exif()
    exif[0x0112] = tags.pop("orientation", 1)
    names = {"f35": 0xA405, "focal": 0x920A, "width": 0xA002, "height": 0xA003, "fpx": 0xA20E, "unit": 0xA210}
    exif.get_ifd(0x8769).update({names[k]: v for k, v in tags.items()})
    image.save(path, exif=exif, quality=95)


def test_a_plain_png_comes_back_bit_for_bit(tmp_path: Path, astronaut: np.ndarray) -> None:
    path = tmp_path / "plain.png"
    Image.fromarray(astronaut).save(path)
    photo = load_photo(path)
    assert np.array_equal(photo.pixels, astronaut)
    assert photo.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (photo.focal_px, photo.original_size, photo.path) == (None, (512, 512), path)


@pytest.mark.parametrize("orientation", _UNDO)
def test_exif_orientation_is_applied(tmp_path: Path, astronaut: np.ndarray, orientation: int) -> None:
    upright = Image.fromarray(astronaut[:, :400])
    path = tmp_path / "turned.png"
    save_with_exif(path, upright.transpose(_UNDO[orientation]), orientation=orientation)
    photo = load_photo(path)
    assert np.array_equal(photo.pixels, np.asarray(upright))
    assert photo.original_size == (400, 512)


@pytest.mark.parametrize("mode", ["L", "LA", "1", "P", "RGBA", "CMYK", "YCbCr"])
def test_every_mode_becomes_rgb(tmp_path: Path, astronaut: np.ndarray, mode: str) -> None:
    path = tmp_path / "photo.tif" if mode in ("CMYK", "YCbCr") else tmp_path / "photo.png"
    image = Image.fromarray(astronaut).convert(mode)
    image.save(path)
    limit = 15 if mode == "P" else 2
    wanted = astronaut
    if mode in ("L", "LA", "1"):
        wanted = np.asarray(image.convert("RGB"))
    assert difference(load_photo(path).pixels, wanted) < limit


def test_a_cmyk_jpeg_keeps_its_colours(tmp_path: Path, astronaut: np.ndarray) -> None:
    Image.fromarray(astronaut).convert("CMYK").save(tmp_path / "print.jpg", quality=95)
    assert difference(load_photo(tmp_path / "print.jpg").pixels, astronaut) < 4


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bit_grey_keeps_its_range(tmp_path: Path, suffix: str) -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16)
    Image.fromarray(np.tile(ramp, (64, 1))).save(tmp_path / f"deep.{suffix}")
    pixels = load_photo(tmp_path / f"deep.{suffix}").pixels
    assert np.abs(pixels[0, :, 1].astype(int) - np.arange(256)).max() <= 1
    assert np.array_equal(pixels[..., 0], pixels[..., 2])


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bit_colour_keeps_its_range(tmp_path: Path, astronaut: np.ndarray, suffix: str) -> None:
    import cv2

    path = tmp_path / f"deep.{suffix}"
    cv2.imwrite(str(path), astronaut[..., ::-1].astype(np.uint16) * 257)
    assert difference(load_photo(path).pixels, astronaut) < 1


def test_transparent_pixels_lie_over_grey_and_opaque_ones_stay(tmp_path: Path, astronaut: np.ndarray) -> None:
    alpha = np.full((512, 512, 1), 255, np.uint8)
    alpha[:100] = 0
    Image.fromarray(np.concatenate([astronaut, alpha], -1)).save(tmp_path / "cutout.png")
    pixels = load_photo(tmp_path / "cutout.png").pixels
    assert np.all(pixels[:100] == 128)
    assert np.array_equal(pixels[100:], astronaut[100:])


def test_an_embedded_profile_is_converted(tmp_path: Path, astronaut: np.ndarray) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(astronaut).save(tmp_path / "same.png", icc_profile=profile)
    assert difference(load_photo(tmp_path / "same.png").pixels, astronaut) < 1
    wide = swapped_primaries(profile)
    Image.fromarray(astronaut).save(tmp_path / "swapped.png", icc_profile=wide)
    swapped = load_photo(tmp_path / "swapped.png").pixels
    assert difference(swapped, astronaut[..., [2, 1, 0]]) < 2
    assert difference(swapped, astronaut) > 10


def swapped_primaries(profile: bytes) -> bytes:
    """A copy of an ICC profile whose red and blue colorant tags change places."""
    data = bytearray(profile)
    count = int.from_bytes(data[128:132], "big")
    for i in range(count):
        at = 132 + 12 * i
        name = bytes(data[at : at + 4])
        data[at : at + 4] = {b"rXYZ": b"bXYZ", b"bXYZ": b"rXYZ"}.get(name, name)
    data[84:100] = bytes(16)  # the profile's digest is of the old content
    return bytes(data)


def test_a_broken_profile_is_ignored(tmp_path: Path, astronaut: np.ndarray) -> None:
    Image.fromarray(astronaut).save(tmp_path / "odd.png", icc_profile=b"not a profile")
    assert np.array_equal(load_photo(tmp_path / "odd.png").pixels, astronaut)


@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_forty_megapixels_are_reduced_and_the_focal_length_with_them(tmp_path: Path, suffix: str) -> None:
    ramp = np.linspace(0, 255, 7296).astype(np.uint8)
    image = Image.fromarray(np.broadcast_to(ramp[None, :, None], (5472, 7296, 3)).copy())
    path = tmp_path / f"large.{suffix}"
    save_with_exif(path, image, f35=50)
    photo = load_photo(path)
    assert photo.size == (WORKING_LONG_SIDE, 3000)
    assert photo.original_size == (7296, 5472)
    diagonal = np.hypot(*photo.size)
    assert photo.focal_px == pytest.approx(50 / np.hypot(36, 24) * diagonal, rel=1e-3)
    expected = np.linspace(0, 255, WORKING_LONG_SIDE)
    assert np.abs(photo.pixels[1500, :, 0] - expected).max() <= 3


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"f35": 28}, 28 / 43.2666 * 500),
        ({"f35": 28, "width": 3000, "height": 4000}, 28 / 43.2666 * 500),  # shrunk or turned, not cropped
        ({"focal": 50.0, "fpx": 1000.0, "unit": 3, "width": 4000, "height": 3000}, 500.0),
        ({"focal": 4.2, "f35": 26}, 26 / 43.2666 * 500),
    ],
)
def test_focal_length_from_exif(tmp_path: Path, tags: dict[str, float], expected: float) -> None:
    save_with_exif(tmp_path / "lens.jpg", Image.new("RGB", (400, 300)), **tags)
    photo = load_photo(tmp_path / "lens.jpg")
    assert photo.focal_px == pytest.approx(expected, rel=1e-3) and photo.no_focal == ""


@pytest.mark.parametrize(
    ("tags", "why"),
    [
        (
            {"f35": 28, "width": 4000, "height": 4000},
            "4000 by 4000 pixels, and it has 400 by 300",
        ),
        ({"f35": 0}, "0 mm"),
        ({"focal": 0.0}, "0 mm"),
        ({"f35": 3}, "3 mm"),
        ({"focal": 50.0, "fpx": 1.0, "unit": 3, "width": 4000, "height": 3000}, "no camera has"),
        ({"focal": 50.0}, ""),  # the sensor's size is missing, which is no fault
        ({}, ""),
    ],
)
def test_what_exif_cannot_truly_say_is_taken_for_unknown(
    tmp_path: Path, tags: dict[str, float], why: str
) -> None:
    save_with_exif(tmp_path / "lens.jpg", Image.new("RGB", (400, 300)), **tags)
    photo = load_photo(tmp_path / "lens.jpg")
    assert photo.focal_px is None
    assert why in photo.no_focal and bool(why) == bool(photo.no_focal)


def make_unreadable(kind: str, folder: Path) -> Path:
    path = folder / f"{kind}.jpg"
    buffer = BytesIO()
    Image.effect_noise((300, 300), 80).save(buffer, "JPEG" if kind == "truncated" else "PNG")
    data = buffer.getvalue()
    if kind == "folder":
        path.mkdir()
    elif kind != "missing":
        path.write_bytes(
            {
                "empty": b"",
                "text": b"hello, this is not a photo",
                "heic": b"\0\0\0\x18ftypheic" + bytes(40),
                "truncated": data[: len(data) // 2],
                "cut_png": data[: len(data) // 2],
                "bomb": huge_png_header(),
            }[kind]
        )
    return path


def huge_png_header() -> bytes:
    import struct
    import zlib

    body = b"IHDR" + struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    data = b"IDAT" + zlib.compress(bytes(100))
    chunks = [struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in (body, data)]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("missing", "does not exist"),
        ("folder", "is a folder"),
        ("empty", "is empty"),
        ("text", "not a photo"),
        ("heic", "Convert it to JPEG"),
        ("truncated", "damaged or cut short"),
        ("cut_png", "damaged or cut short"),
        ("bomb", "megapixels"),
    ],
)
def test_what_cannot_be_read_is_named_and_explained(tmp_path: Path, kind: str, told: str) -> None:
    path = make_unreadable(kind, tmp_path)
    with pytest.raises(UnreadableMedia) as caught:
        load_photo(path)
    assert str(path) in caught.value.message
    assert told in str(caught.value)
    assert caught.value.hint


@pytest.mark.skipif("SEMBLANCE_TEST_DATA" not in os.environ, reason="SEMBLANCE_TEST_DATA is not set")
def test_every_real_photo_loads() -> None:
    for path in sorted((Path(os.environ["SEMBLANCE_TEST_DATA"]) / "photos").rglob("*.jpg")):
        assert min(load_photo(path).size) >= 100
