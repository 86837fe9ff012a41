"""The project's own truth: people that no network was trained on, rendered with everything known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import torch
from jaxtyping import Float, Float32, Int
from numpy import ndarray

from core.capture.photos import Photo
from core.face_model.model import FaceModel
from core.face_model.registry import load_model
from core.scene.camera import portrait_camera, transform
from core.scene.rasterise import rasterise
from models.data.albedo import load_albedo
from models.data.expressions import ExpressionSampler
from models.data.performance import Performer
from models.data.scene import PeopleRenderer, Rendered
from models.data.take import held_out_half
from models.data.textures import TexturePainter
from models.evaluation.expression_error import GROUPS, as_units, group_errors
from models.evaluation.landmark_error import GROUP_NAMES, by_yaw, normalised_error
from models.evaluation.marks import SEVEN, marks_of
from models.evaluation.mesh_error import Pool, Scan, now_crop, shape_error
from models.evaluation.picture_runs import SCORES
from models.evaluation.pose_error import degrees_apart, turn_between, yaw_degrees
from models.evaluation.run import Run
from models.evaluation.tables import Cell, Table
from models.prior.metrics import ACTIVE, score

SEED: Final = 20_240_000
"""Of the held-out people: train with any other seed of ``semblance data render``."""

PEOPLE, FRAMES = 12, 4
_MILLIMETRES: Final = 1e3
_SCANNED_FROM: Final = (-50, 0, 50)  # degrees of yaw
_SCAN_SIDE: Final = 900  # pixels: finer than the triangles


@dataclass(frozen=True)
class Truth:
    """A picture and what is true of it.

    Attributes:
        scan: the true neutral face, cropped as NoW does.
        camera: fx, fy, cx, cy in pixels.
        landmarks: the 68 in pixels.
        rotation: head to camera.
    """

    pixels: ndarray
    scan: Scan
    camera: tuple[float, float, float, float]
    landmarks: Float[ndarray, "68 2"]
    expression: Float[ndarray, "52"]
    rotation: Float[ndarray, "3 3"]


@dataclass
class _Errors:
    """Of one method; a list has an entry a picture."""

    shape: Pool = field(default_factory=Pool)
    turned: list[float] = field(default_factory=list)
    landmark: list[float] = field(default_factory=list)
    expression: list[ndarray] = field(default_factory=list)


class HeldOutPeople:
    """Renders the truth, one person after the other; the same at every run."""

    def __init__(self, model: FaceModel, take: Float32[ndarray, "frames 52"] | None = None) -> None:
        """
        Args:
            take: a recorded take whose second half, never trained on, gives half of the expressions.
        """
        self.model = model
        painter = TexturePainter(model)
        sampler = ExpressionSampler(None if take is None else held_out_half(take))
        self._renderer = PeopleRenderer(
            model, load_albedo(model, painter), Performer(sampler), SEED, painter=painter
        )

    def pictures(self, number: int, frames: int) -> Iterator[Truth]:
        """The pictures of a person."""
        person = self._renderer.person(number, frames)
        scan = neutral_scan(self.model, person)
        for index, pixels in enumerate(person.images):
            known = {name: values[index] for name, values in person.labels.items()}
            fx, fy, cx, cy = (float(number) for number in known["camera"])
            yield Truth(
                pixels,
                scan,
                (fx, fy, cx, cy),
                marks_of(known["landmarks"])[:, :2].astype(np.float64),
                known["expression"],
                known["rotation"].astype(np.float64),
            )


def neutral_scan(model: FaceModel, person: Rendered) -> Scan:
    """The skin of a rendered person's neutral head that a scanner sees, cropped as NoW crops scans."""
    neutral = model.neutral(person.labels["identity"][0].astype(np.float32)).astype(np.float64)
    marks = marks_of(model.landmarks(neutral.astype(np.float32))).astype(np.float64)
    skin = neutral[outer_skin(model, neutral)]
    return Scan(skin, marks[list(SEVEN)], np.array(SEVEN)).near(*now_crop(marks[list(SEVEN)]))


def outer_skin(model: FaceModel, vertices: Float[ndarray, "vertices 3"]) -> Int[ndarray, "seen"]:
    """Vertices of skin that are seen from the front or the sides: none inside mouth, nose and sockets."""
    head = torch.from_numpy(vertices.astype(np.float32))
    triangles = torch.from_numpy(model.triangles.astype(np.int64))
    seen: list[ndarray] = []
    for yaw in _SCANNED_FROM:
        camera, rotation, translation = portrait_camera(_SCAN_SIDE, yaw=float(np.radians(yaw)))
        fragments = rasterise(transform(head, rotation, translation), triangles, camera)
        seen.append(np.unique(fragments.triangle.numpy()))
    hit = np.unique(np.concatenate(seen))
    shown = np.unique(model.triangles[hit[hit >= 0]])
    return shown[model.region_mask("skin")[shown]].astype(np.int64)


def run_synthetic(
    truth: str,
    run: Run,
    people: int = PEOPLE,
    frames: int = FRAMES,
    take: Float32[ndarray, "frames 52"] | None = None,
) -> list[Table]:
    """Errors on rendered people of a face model, ``anny`` or ``ict``; see :func:`run_people`.

    Raises:
        ModelMissing: the face model was not added.
    """
    return run_people(HeldOutPeople(load_model(truth), take), run, people, frames)


def run_people(source: HeldOutPeople, run: Run, people: int, frames: int) -> list[Table]:
    """Errors of expression, pose, neutral shape and landmarks on so many pictures of so many people."""
    torch.set_num_threads(1)
    model = source.model
    upright = marks_of(model.landmarks(model.template)).astype(np.float64)
    turns = [turn_between(method.upright, upright) for method in run.methods]
    errors = [_Errors() for _ in run.methods]
    true: list[ndarray] = []
    yaw: list[float] = []
    for number in run.over(range(people)):
        for picture in source.pictures(number, frames):
            height, width = picture.pixels.shape[:2]
            photo = Photo(picture.pixels, Path("rendered"), "", None, (width, height))
            seen = run.eyes.see(photo, camera=picture.camera)
            if seen is None:
                run.missed += 1
                continue
            for method, turn, own in zip(run.methods, turns, errors, strict=True):
                said = method.predict(seen)
                scan = picture.scan
                own.shape.add(
                    shape_error(
                        scan.points, scan.marks, said.neutral, said.triangles, said.neutral_marks[scan.which]
                    )
                )
                own.turned.append(degrees_apart(said.rotation.astype(np.float64), picture.rotation, turn))
                own.landmark.append(normalised_error(said.landmarks, picture.landmarks))
                own.expression.append(said.expression.astype(np.float64))
            true.append(picture.expression.astype(np.float64))
            yaw.append(yaw_degrees(picture.rotation))
            run.seen += 1
    names = [method.name for method in run.methods]
    return _tables(model.name, names, errors, np.reshape(true, (-1, 52)), np.array(yaw), run.note())


def _tables(
    truth: str, names: list[str], errors: list[_Errors], true: ndarray, yaw: ndarray, note: str
) -> list[Table]:
    said: list[list[Cell]] = []
    placed: list[list[Cell]] = []
    groups: list[list[Cell]] = []
    for name, own in zip(names, errors, strict=True):
        found = np.reshape(own.expression, (-1, 52))
        said.append([name, *(score(found, true) if len(true) else (float("nan"),) * 3)])
        groups.append([name, *group_errors(as_units(found), as_units(true), above=ACTIVE)])
        turned = float(np.median(own.turned)) if own.turned else float("nan")
        shape = [_MILLIMETRES * figure for figure in own.shape.figures()]
        placed.append([name, *shape, turned, *by_yaw(np.array(own.landmark), yaw)])
    headings = (
        "method", "neutral median mm", "mean mm", "std mm", "rotation °",
        *(f"NME % {group}" for group in GROUP_NAMES), "NME % mean",
    )  # fmt: skip
    notes = (
        note,
        f"Rendered people of {truth}, seed {SEED}; each picture is read alone, its camera known.",
        "Neutral: distances as NoW measures scans. Rotation: median angle, less the turn between the two "
        "models' mean heads. NME: 68 landmarks, by yaw.",
    )
    own_units = (
        f"Of the 51 coefficients without tongueOut; shown: where the true one is above {ACTIVE}. A unit of "
        "one face model does not move a face as far as that of another.",
    )
    title = f"Synthetic ({truth})"
    return [
        Table(f"{title}: shape, pose and landmarks", headings, placed, notes=notes),
        Table(f"{title}: coefficients", SCORES, said, notes=own_units, decimals=3),
        Table(f"{title}: MAE by CPEM's groups, where shown", ("method", *GROUPS, "mean"), groups, decimals=3),
    ]
