"""Whether two disjoint halves of a person's photos give the same neutral.

    python -m tests.benchmarks.consistency [--people 100] [--model anny]

People are those with four photos of ``faces/lfw_gray_720_people.tar``, spread evenly over the alphabet, and
those of ``photos/same_person`` (up to ten photos). Odd photos make one half, even photos the other. The
distance of two neutrals is the mean over the face (NoW's crop) after rigid alignment and scale. Printed are
the distances between the halves of one person and between halves of different people, and the area under the
ROC curve of telling the two apart: 0.5 is chance, 1 is perfect. LFW's names hold a few mistakes.
"""

from __future__ import annotations

import argparse
import tarfile
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from core.capture.photos import load_photo
from core.face_model.model import FaceModel
from core.face_model.registry import load_model
from core.fitting.face_belief import believed
from core.fitting.head import fit_head
from core.fitting.landmark_solver import fit_landmarks
from core.geometry.alignment import align_similarity
from models.face_reader import FaceReader, load_face_reader
from tests.benchmarks.support.ict_truth import now_region
from tests.benchmarks.support.reading import PhotoReader, data_folder, read_view

FITS = ("landmarks alone", "whole fit", "with RecNet")
_MOST_OF_SAME = 10  # photos of a person


def lfw_people(count: int, folder: Path) -> list[list[Path]]:
    """Photos of ``count`` people with four each, unpacked into ``folder``."""
    with tarfile.open(data_folder() / "faces" / "lfw_gray_720_people.tar") as archive:
        people = defaultdict(list)
        for name in sorted(archive.getnames()):
            people[name.rsplit("_", 1)[0]].append(name)
        four = [names for names in people.values() if len(names) == 4]
        chosen = [four[index] for index in np.linspace(0, len(four) - 1, min(count, len(four))).astype(int)]
        for names in chosen:
            for name in names:
                archive.extract(name, folder, filter="data")
    return [[folder / name for name in names] for names in chosen]


def same_person() -> list[list[Path]]:
    """Photos of the people of ``photos/same_person``."""
    folders = sorted(path for path in (data_folder() / "photos" / "same_person").iterdir() if path.is_dir())
    return [sorted(folder.glob("*.jpg"))[:_MOST_OF_SAME] for folder in folders]


def half_neutrals(
    model: FaceModel, halves: list[list[Path]], photos: PhotoReader, faces: FaceReader | None
) -> ndarray | None:
    """Neutrals (fit, half, vertices, 3); none where a half shows no face."""
    seen = [[(path, face) for path in half if (face := photos.read(path))] for half in halves]
    if not all(seen):
        return None
    fits: list[list[ndarray]] = []
    for half in seen:
        faces_seen = [face for _, face in half]
        coarse = model.neutral(fit_landmarks(model, faces_seen).identity.astype(np.float32))
        of_half = [coarse, fit_head(model, faces_seen).neutral]
        if faces is not None:
            readings = [read_view(faces, load_photo(path).pixels, face) for path, face in half]
            belief = believed(readings, faces.fuse(readings))
            of_half.append(fit_head(model, faces_seen, belief=belief).neutral)
        fits.append(of_half)
    return np.array(fits).swapaxes(0, 1)


def distances(
    first: Float[ndarray, "people points 3"], second: Float[ndarray, "people points 3"]
) -> Float[ndarray, "people people"]:
    """Mean distance of every pair after alignment of the first onto the second."""
    even = np.ones(first.shape[1])
    table = np.empty((len(first), len(second)))
    for column, target in enumerate(second):
        scale, rotation, translation = align_similarity(first, target, even)
        aligned = scale[:, None, None] * first @ rotation.transpose(0, 2, 1) + translation[:, None]
        table[:, column] = np.linalg.norm(aligned - target, axis=-1).mean(axis=1)
    return table


def roc_area(same: Float[ndarray, "same"], different: Float[ndarray, "different"]) -> float:
    """Probability that two of the same person are nearer than two of different people."""
    nearer = same[:, None] < different
    return float((nearer + 0.5 * (same[:, None] == different)).mean())


def report(name: str, face: Float[ndarray, "people halves points 3"]) -> None:
    """Print one line of the table."""
    table = 1e3 * distances(face[:, 0], face[:, 1])
    own = np.eye(len(table), dtype=bool)
    nearest = (table.argmin(axis=1) == np.arange(len(table))).mean()
    print(
        f"{name:18s}{np.median(table[own]):18.3f}{np.median(table[~own]):18.3f}"
        f"{roc_area(table[own], table[~own]):18.3f}{100 * nearest:16.0f} %"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--people", type=int, default=100, help="of LFW")
    parser.add_argument("--model", default="anny")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="stop reading people after these")
    options = parser.parse_args()
    model, network = load_model(options.model), load_face_reader()
    face = np.flatnonzero(
        now_region(model.landmarks(model.template), model.template) & model.region_mask("skin")
    )
    started, fitted, left_out = time.monotonic(), [], 0
    with PhotoReader() as reader, tempfile.TemporaryDirectory() as folder:
        people = same_person() + lfw_people(options.people, Path(folder))
        for photos in people:
            if time.monotonic() - started > 60 * options.minutes:
                break
            neutrals = half_neutrals(model, [photos[::2], photos[1::2]], reader, network)
            if neutrals is None:
                left_out += 1
            else:
                fitted.append(neutrals[:, :, face].astype(np.float64))
    every = np.stack(fitted)  # people, fit, half, points, 3
    print(f"{len(every)} people ({left_out} left out: no face in a half), {len(face)} vertices")
    columns = ("same person", "different people", "ROC area", "own half nearest")
    print(f"{'median mm':18s}" + "".join(f"{column:>18s}" for column in columns))
    for index, name in enumerate(FITS[: every.shape[1]]):
        report(name, every[:, index])


if __name__ == "__main__":
    main()
