"""Shards of a data set on disk: arrays in an ``.npz``, packed pictures and masks in a ``.bin`` beside it.

The ``.npz`` is stored uncompressed and appears last, so a shard counts once it is there, and can be mapped
into memory. Its arrays are those of :mod:`models.data.sample`, ``offsets`` (frames, 4), the first byte and
the length of each picture (JPEG) and mask (PNG) in the ``.bin``, and ``checksums`` (frames, 2), their CRC-32.
"""

from __future__ import annotations

import json
import mmap
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from jaxtyping import UInt8
from numpy import ndarray

from core.atomic import staged_output
from core.errors import DataUnreadable, OutputFailed
from models.crops import SIDE

SCHEMA: Final = 1
DATASET_FILE: Final = "dataset.json"
_QUALITY: Final = [cv2.IMWRITE_JPEG_QUALITY, 94]
_REMEDY: Final = "Delete it and run the command that made the data set again: it renders what is missing."


def write_shard(
    file: Path,
    images: Sequence[UInt8[ndarray, "side side 3"]],
    skins: Sequence[UInt8[ndarray, "side side"]],
    labels: Mapping[str, ndarray],
) -> None:
    """Write a shard; readers see all of it or nothing.

    Raises:
        OutputFailed: the folder cannot be written or the disk is full.
    """
    offsets, checksums, place = [], [], 0
    with staged_output(file) as path:
        with path.with_suffix(".bin").open("wb") as stream:
            for image, skin in zip(images, skins, strict=True):
                packed = [
                    cv2.imencode(".jpg", np.ascontiguousarray(image[..., ::-1]), _QUALITY)[1].tobytes(),
                    cv2.imencode(".png", skin)[1].tobytes(),
                ]
                offsets.append([place, len(packed[0]), place + len(packed[0]), len(packed[1])])
                checksums.append([zlib.crc32(part) for part in packed])
                place += sum(len(part) for part in packed)
                stream.writelines(packed)
        with path.open("wb") as stream:
            np.savez(
                stream,
                offsets=np.array(offsets, np.int64),
                checksums=np.array(checksums, np.uint32),
                **labels,
            )


def shard_files(folder: Path, model: str) -> list[Path]:
    """The complete shards of a data set, in order."""
    return sorted(folder.glob(f"{model}-[0-9]*.npz"))


class Shard:
    """A shard mapped into memory.

    Attributes:
        arrays: labels by name; views of the file.

    Raises:
        DataUnreadable: the shard is damaged; the message names its file.
    """

    def __init__(self, file: Path, verify: bool = False) -> None:
        self.file = file
        try:
            if verify:
                _verify(file)
            self.arrays = _mapped_arrays(file)
            self._offsets, self._checksums = self.arrays.pop("offsets"), self.arrays.pop("checksums")
            with file.with_suffix(".bin").open("rb") as stream:
                self._bytes = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
            ends = self._offsets[:, [0, 2]] + self._offsets[:, [1, 3]]
            lengths = {len(array) for array in (*self.arrays.values(), self._offsets, self._checksums)}
            if (
                len(lengths) != 1
                or ends.max(initial=0) > len(self._bytes)
                or self._offsets.min(initial=0) < 0
            ):
                raise ValueError("its parts do not fit each other")
        except FileNotFoundError as error:
            raise DataUnreadable(f"{error.filename or file} is missing.", _REMEDY) from error
        except (OSError, ValueError, KeyError, IndexError, EOFError, zipfile.BadZipFile) as error:
            raise DataUnreadable(f"The shard {file} is damaged ({error}).", _REMEDY) from error

    def __len__(self) -> int:
        return len(self._offsets)

    def picture(self, index: int) -> UInt8[ndarray, "side side 3"]:
        """A frame's picture, RGB."""
        decoded = self._decoded(index, 0, cv2.IMREAD_COLOR)
        return np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), np.uint8)

    def skin(self, index: int) -> UInt8[ndarray, "side side"]:
        """A frame's mask, 255 for bare skin."""
        return self._decoded(index, 1, cv2.IMREAD_GRAYSCALE)

    def _decoded(self, index: int, part: int, how: int) -> ndarray:
        start, length = (int(v) for v in self._offsets[index, 2 * part : 2 * part + 2])
        packed = self._bytes[start : start + length]
        if zlib.crc32(packed) == self._checksums[index, part]:
            decoded = cv2.imdecode(np.frombuffer(packed, np.uint8), how)
            if decoded is not None and decoded.shape[:2] == (SIDE, SIDE):
                return decoded
        binary = self.file.with_suffix(".bin")
        raise DataUnreadable(f"{binary} is damaged (frame {index} of the shard).", _remedy_for(self.file))


def _remedy_for(file: Path) -> str:
    return f"Delete {file} and run the command that made the data set again: it renders what is missing."


def _verify(file: Path) -> None:
    with zipfile.ZipFile(file) as archive:
        broken = archive.testzip()
    if broken:
        raise ValueError(f"{broken} has another checksum than it had")


def _mapped_arrays(file: Path) -> dict[str, ndarray]:
    """The arrays of an uncompressed ``.npz``, read only when used."""
    with file.open("rb") as stream, zipfile.ZipFile(stream) as archive:
        mapped = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        arrays = {}
        for entry in archive.infolist():
            if entry.compress_type != zipfile.ZIP_STORED:
                raise ValueError("it is compressed")
            stream.seek(entry.header_offset + 26)
            name, extra = np.frombuffer(stream.read(4), "<u2")
            stream.seek(entry.header_offset + 30 + int(name) + int(extra))
            version = np.lib.format.read_magic(stream)
            read = (
                np.lib.format.read_array_header_1_0
                if version == (1, 0)
                else np.lib.format.read_array_header_2_0
            )
            shape, fortran, dtype = read(stream)
            if dtype.hasobject or fortran:
                raise ValueError("it holds objects")
            count = int(np.prod(shape))
            flat = np.frombuffer(mapped, dtype, count, stream.tell())
            arrays[entry.filename.removesuffix(".npy")] = flat.reshape(shape)
    return arrays


def write_dataset_file(folder: Path, facts: Mapping[str, Any]) -> None:
    """Write what a data set is.

    Raises:
        OutputFailed: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputFailed(
            f"Cannot make the folder {folder}: {error.strerror or error}.", "Choose another with --out."
        ) from error
    with staged_output(folder / DATASET_FILE) as path:
        path.write_text(json.dumps({"schema": SCHEMA, **facts}, indent=1) + "\n", encoding="utf-8")


def read_dataset_file(folder: Path) -> dict[str, Any]:
    """What a data set is.

    Raises:
        DataUnreadable: there is none, or it is damaged or of another version.
    """
    file = folder / DATASET_FILE
    try:
        facts = json.loads(file.read_text(encoding="utf-8"))
        if facts["schema"] != SCHEMA:
            raise ValueError(f"it is of version {facts['schema']}, not {SCHEMA}")
        return dict(facts)
    except FileNotFoundError:
        raise DataUnreadable(f"{folder} holds no data set.", "Make one with semblance data render.") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataUnreadable(f"{file} cannot be read ({error}).", "Make the data set again.") from error
