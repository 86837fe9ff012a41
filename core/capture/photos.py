"""Photo files to RGB pixels, with everything cameras and editors put in the way undone."""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageCms, ImageOps

from core.capture.exif_lens import focal_from_exif
from core.errors import UnreadableMedia

WORKING_LONG_SIDE = 4000  # pixels: 12 megapixels at 4:3; a head's 2048² texture needs no more
_MOST_PIXELS = 170_000_000  # a larger header is a mistake or an attack, not a portrait
_BACKDROP = (128, 128, 128)  # under transparent pixels: keeps an outline against dark hair and light skin

# EXIF tags (CIPA DC-008)
_EXIF_IFD = 0x8769
_ORIENTATION = 0x0112


@dataclass(frozen=True)
class Photo:
    """An upright sRGB photo.

    Attributes:
        pixels: RGB, ``(H, W, 3)`` uint8, after EXIF rotation and any downscaling.
        path: the file it came from.
        sha256: hexadecimal digest of the file's bytes.
        focal_px: focal length in pixels of ``pixels``, or ``None`` where EXIF does not tell.
        no_focal: why EXIF does not, though it speaks of one; else empty.
        original_size: (width, height) of the upright photo before downscaling.
    """

    pixels: UInt8[np.ndarray, "height width 3"]
    path: Path
    sha256: str
    focal_px: float | None
    original_size: tuple[int, int]
    no_focal: str = ""

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of ``pixels``."""
        return self.pixels.shape[1], self.pixels.shape[0]


def load_photo(path: str | Path, long_side: int = WORKING_LONG_SIDE) -> Photo:
    """Read a photo as upright 8-bit sRGB.

    EXIF rotation is applied; embedded colour profiles (Display P3, Adobe RGB, CMYK) are converted to sRGB;
    grey, palette and 16-bit files become RGB; transparent pixels are laid over mid-grey. A photo whose long
    side exceeds ``long_side`` is downscaled to it, and its focal length with it; JPEGs are already decoded at
    a half, quarter or eighth where that is still large enough, so that 40 megapixels never fill the memory.

    Raises:
        UnreadableMedia: the file is missing, a folder, empty, damaged, too large, or not a known format.
    """
    path = Path(path)
    data = _read_bytes(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limit below is ours
        try:
            with Image.open(BytesIO(data)) as image:
                if image.width * image.height > _MOST_PIXELS:
                    raise Image.DecompressionBombError
                original = _upright_size(image)
                focal, no_focal = focal_from_exif(image.getexif().get_ifd(_EXIF_IFD), *image.size)
                pixels = _decode(image, long_side)
        except Image.DecompressionBombError:
            raise UnreadableMedia(
                f"{path} holds more than {_MOST_PIXELS // 10**6} megapixels.", "Export a smaller copy of it."
            ) from None
        except Image.UnidentifiedImageError:
            raise _unknown_format(path, data) from None
        except (OSError, SyntaxError, ValueError, EOFError, IndexError) as error:
            # Pillow's decoders report damage through any of these
            raise UnreadableMedia(
                f"{path} is damaged or cut short ({error}).", "Copy or download it again, or re-export it."
            ) from error
    scale = max(pixels.shape[:2]) / max(original)
    focal_px = None if focal is None else focal * scale
    return Photo(pixels, path, hashlib.sha256(data).hexdigest(), focal_px, original, no_focal)


def _read_bytes(path: Path) -> bytes:
    if path.is_dir():
        raise UnreadableMedia(f"{path} is a folder.", "Name the photo files inside it.")
    if not path.exists():
        raise UnreadableMedia(f"{path} does not exist.", "Check the spelling of its name and folder.")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UnreadableMedia(
            f"{path} cannot be read ({error.strerror}).", "Check its permissions."
        ) from error
    if not data:
        raise UnreadableMedia(f"{path} is empty (0 bytes).", "Copy or download it again.")
    return data


def _unknown_format(path: Path, data: bytes) -> UnreadableMedia:
    # iPhones write HEIC. Its decoders' wheels bundle a GPL encoder, so none is a dependency here.
    if data[4:8] == b"ftyp" and data[8:12] in (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1"):
        return UnreadableMedia(
            f"{path} is a HEIC photo, which is not supported.",
            "Convert it to JPEG (on an iPhone: Settings > Camera > Formats > Most Compatible).",
        )
    return UnreadableMedia(f"{path} is not a photo in a known format.", "Use JPEG, PNG, TIFF, WebP or AVIF.")


def _upright_size(image: Image.Image) -> tuple[int, int]:
    width, height = image.size
    return (height, width) if image.getexif().get(_ORIENTATION, 1) in (5, 6, 7, 8) else (width, height)


def _decode(image: Image.Image, long_side: int) -> UInt8[np.ndarray, "height width 3"]:
    """All pixels of an opened image as upright sRGB, at most ``long_side`` long."""
    profile = image.info.get("icc_profile")
    if max(image.size) > long_side:
        ratio = long_side / max(image.size)
        image.draft(image.mode, (round(image.width * ratio), round(image.height * ratio)))
    image.load()
    upright = _to_eight_bits(ImageOps.exif_transpose(image))
    if max(upright.size) > long_side:
        ratio = long_side / max(upright.size)
        size = max(1, round(upright.width * ratio)), max(1, round(upright.height * ratio))
        upright = upright.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    return np.asarray(_to_srgb(upright, profile))


def _to_eight_bits(image: Image.Image) -> Image.Image:
    """Bring any mode to one of L, RGB, RGBA, CMYK."""
    if image.mode in ("L", "RGB", "RGBA", "CMYK"):
        return image.convert("RGBA") if "transparency" in image.info else image
    if image.mode.startswith(("I", "F")):
        values = np.asarray(image, dtype=np.float64)
        top = values.max(initial=0.0)
        white = 1.0 if image.mode == "F" and top <= 1.0 else 255.0 if top <= 255.0 else 65535.0
        return Image.fromarray(np.clip(values * (255.0 / white) + 0.5, 0, 255).astype(np.uint8))
    if image.mode in ("LA", "La", "PA", "RGBa") or "transparency" in image.info:
        return image.convert("RGBA")
    return image.convert("RGB")  # palette, bilevel, YCbCr, Lab, HSV


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Apply the embedded profile, and lay transparent pixels over the backdrop."""
    alpha = image.getchannel("A") if image.mode == "RGBA" else None
    colours = image.convert("RGB") if image.mode == "RGBA" else image
    if profile and colours.mode in ("RGB", "CMYK", "L"):
        try:
            source = ImageCms.ImageCmsProfile(BytesIO(profile))
            converted = ImageCms.profileToProfile(
                colours, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
            )
            colours = converted if converted is not None else colours
        except (ImageCms.PyCMSError, OSError):
            pass  # a broken profile, or one of another colour space: the plain conversion below is close
    colours = colours.convert("RGB")
    if alpha is None:
        return colours
    backdrop = Image.new("RGB", colours.size, _BACKDROP)
    backdrop.paste(colours, mask=alpha)
    return backdrop
