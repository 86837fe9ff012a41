"""Evaluations against scans: NoW, FaceWarehouse, FRGC and MICC."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from core.capture.photos import Photo, load_photo
from core.capture.video import open_video, probe_video
from models.evaluation import papers
from models.evaluation.datasets.facewarehouse import FaceWarehouse
from models.evaluation.datasets.files import VIDEOS
from models.evaluation.datasets.frgc import frgc_pairs, read_range, scan_with_marks
from models.evaluation.datasets.micc import SCENARIOS, FilmedPerson, filmed_people, read_scan
from models.evaluation.datasets.now import NowDataset
from models.evaluation.marks import marks_of
from models.evaluation.mesh_error import (
    Pool,
    Scan,
    aligned,
    root_mean_square,
    shape_error,
    surface_distance,
)
from models.evaluation.run import Run, spread
from models.evaluation.tables import Cell, Table

MILLIMETRES: Final = 1e3
_FRAMES: Final = 10  # of each MICC video, evenly spread
_ALIGNMENT: Final = (
    "Alignment: a similarity by landmarks, then closest points ({}), of which the farthest 5 % do not pull."
)


def run_now(folder: Path, run: Run) -> list[Table]:
    """NoW's validation set: distances of neutral scans to neutral heads, of all pictures together.

    Raises:
        DataUnreadable: a part of the dataset is missing or damaged.
    """
    dataset = NowDataset(folder)
    pools = [Pool() for _ in run.methods]
    kinds: dict[str, list[Pool]] = {}
    scans: dict[str, Scan] = {}
    for picture in run.over(dataset.pictures):
        seen = run.eyes.see(load_photo(picture.path))
        if seen is None:
            run.missed += 1
            continue
        scan = scans.get(picture.subject) or scans.setdefault(picture.subject, dataset.scan(picture.subject))
        own = kinds.setdefault(picture.challenge, [Pool() for _ in run.methods])
        for method, pool, kind in zip(run.methods, pools, own, strict=True):
            said = method.predict(seen)
            distance = shape_error(
                scan.points, scan.marks, said.neutral, said.triangles, said.neutral_marks[scan.which]
            )
            pool.add(distance)
            kind.add(distance)
        run.seen += 1
    headings = ("method", "median mm", "mean mm", "std mm")
    notes = (
        run.note(),
        _ALIGNMENT.format("with scale; the challenge's own code minimises the same distances"),
        "The papers' rows are of the test set, whose scans are not published, unless they say otherwise.",
    )
    by_kind = [
        (f"{method.name}, {kind}", *_millimetres(own[index].figures()))
        for kind, own in sorted(kinds.items())
        for index, method in enumerate(run.methods)
    ]
    rows = [
        (method.name, *_millimetres(pool.figures())) for method, pool in zip(run.methods, pools, strict=True)
    ]
    whole = Table("NoW: neutral shape", headings, rows, papers.NOW, notes)
    return [whole, Table("NoW by challenge", headings, by_kind)]


def run_facewarehouse(folder: Path, run: Run) -> list[Table]:
    """FaceWarehouse: RMSE of meshes, cropped to 85 mm, to posed heads.

    Raises:
        DataUnreadable: a part of the dataset is missing or damaged.
    """
    dataset = FaceWarehouse(folder)
    planes: list[list[float]] = [[] for _ in run.methods]
    points: list[list[float]] = [[] for _ in run.methods]
    for pose in run.over(dataset.poses):
        seen = run.eyes.see(load_photo(pose.picture))
        if seen is None:
            run.missed += 1
            continue
        scan = dataset.scan(pose, run.model)
        for method, plane, point in zip(run.methods, planes, points, strict=True):
            said = method.predict(seen)
            placed = aligned(
                scan.points, scan.marks, said.posed, said.triangles, said.posed_marks[scan.which],
                refine_scale=False,
            )  # fmt: skip
            to_plane = surface_distance(scan.points, placed, said.triangles, to_plane=True)
            plane.append(root_mean_square(to_plane))
            point.append(root_mean_square(surface_distance(scan.points, placed, said.triangles)))
        run.seen += 1
    rows = [
        (method.name, *_spread_of(plane), _mean_and_deviation(point))
        for method, plane, point in zip(run.methods, planes, points, strict=True)
    ]
    headings = ("method", "RMSE mm", "STD mm", "median mm", "80 % mm", "RMSE to point mm")
    notes = (
        run.note(),
        _ALIGNMENT.format("without scale, as JR2Net has it; CPEM's are by the protocol of Deng et al."),
        "RMSE, STD, median and 80 % are of each mesh's point-to-plane RMSE.",
    )
    return [Table("FaceWarehouse: posed shape", headings, rows, papers.FACEWAREHOUSE, notes)]


def run_frgc(folder: Path, run: Run) -> list[Table]:
    """FRGC v2.0: mean absolute distance of scans, cropped to 95 mm, to posed heads.

    Raises:
        DataUnreadable: a part of the dataset is missing or damaged.
    """
    means: list[list[float]] = [[] for _ in run.methods]
    for pair in run.over(frgc_pairs(folder)):
        photo = load_photo(pair.picture)
        seen = run.eyes.see(photo)
        scan = None
        if seen is not None:
            flat = marks_of(seen.landmarks)[:, :2].astype(np.float64)
            scan = scan_with_marks(read_range(pair.scan), flat, photo.size)
        if seen is None or scan is None:
            run.missed += 1
            continue
        for method, mean in zip(run.methods, means, strict=True):
            said = method.predict(seen)
            placed = aligned(
                scan.points, scan.marks, said.posed, said.triangles, said.posed_marks[scan.which],
                refine_scale=False,
            )  # fmt: skip
            mean.append(float(surface_distance(scan.points, placed, said.triangles).mean()))
        run.seen += 1
    rows = [(method.name, *_spread_of(mean)[:2]) for method, mean in zip(run.methods, means, strict=True)]
    notes = (
        run.note(),
        _ALIGNMENT.format("without scale"),
        "JR2Net does not publish which scans it takes; these are all that have a picture.",
    )
    return [Table("FRGC v2.0: posed shape", ("method", "MAE mm", "STD mm"), rows, papers.FRGC, notes)]


def run_micc(folder: Path, run: Run) -> list[Table]:
    """MICC Florence: RMSE to the plane of a scan to the mean neutral head of a video's frames.

    Raises:
        DataUnreadable: a part of the dataset is missing or damaged.
    """
    found: list[dict[str, list[float]]] = [{name: [] for name in SCENARIOS} for _ in run.methods]
    scans: dict[Path, Scan] = {}
    for person in run.over(filmed_people(folder)):
        seen = [picture for photo in _frames(person) if (picture := run.eyes.see(photo)) is not None]
        if not seen:
            run.missed += 1
            continue
        scan = scans.get(person.mesh) or scans.setdefault(person.mesh, read_scan(person, run.model))
        for method, errors in zip(run.methods, found, strict=True):
            said = [method.predict(picture) for picture in seen]
            neutral = np.mean([one.neutral for one in said], axis=0)
            marks = np.mean([one.neutral_marks for one in said], axis=0)
            errors[person.scenario].append(plane_error(scan, neutral, said[0].triangles, marks))
        run.seen += 1
    rows = [
        (method.name, *(_mean_and_deviation(errors[name]) for name in SCENARIOS))
        for method, errors in zip(run.methods, found, strict=True)
    ]
    headings = ("method", *(f"{name} mm" for name in SCENARIOS.values()))
    notes = (
        run.note().replace("pictures", "videos"),
        f"Of each video {_FRAMES} frames, evenly spread; neutral heads of those with a face are averaged.",
        _ALIGNMENT.format("with scale, as Genova et al. (2018)"),
        "Distances go from the scan to the head alone; Genova et al. average both ways.",
    )
    return [Table("MICC Florence: neutral shape", headings, rows, papers.MICC, notes)]


def plane_error(
    scan: Scan,
    vertices: Float[ndarray, "vertices 3"],
    triangles: Int[ndarray, "triangles 3"],
    marks: Float[ndarray, "68 3"],
) -> float:
    """Point-to-plane RMSE of a scan after an alignment with isotropic scale, metres."""
    placed = aligned(scan.points, scan.marks, vertices, triangles, marks[scan.which])
    return root_mean_square(surface_distance(scan.points, placed, triangles, to_plane=True))


def _frames(person: FilmedPerson) -> list[Photo]:
    if person.media[0].suffix.lower() not in VIDEOS:
        return [load_photo(file) for file in spread(person.media, _FRAMES)]
    info = probe_video(person.media[0])
    length = info.duration or info.frames / info.fps
    with open_video(person.media[0]) as video:
        frames = [video.frame_at(length * (k + 0.5) / _FRAMES).pixels for k in range(_FRAMES)]
    return [Photo(pixels, person.media[0], "", None, (info.width, info.height)) for pixels in frames]


def _millimetres(figures: Sequence[float]) -> list[Cell]:
    return [MILLIMETRES * figure for figure in figures]


def _spread_of(errors: Sequence[float]) -> list[Cell]:
    """Mean, deviation, median and 80th percentile, millimetres."""
    if not errors:
        return [float("nan")] * 4
    values = MILLIMETRES * np.array(errors)
    figures = (values.mean(), values.std(), np.median(values), np.quantile(values, 0.8))
    return [float(figure) for figure in figures]


def _mean_and_deviation(errors: Sequence[float]) -> Cell:
    mean, deviation, *_ = _spread_of(errors)
    return f"{mean:.2f}±{deviation:.2f}" if errors else float("nan")
