"""Heads whose true shape and expressions are known: random ICT heads, or another model's, rendered as photos.

Identities are drawn from N(0, 1) in all modes. Skin comes from a photo of a real face: the model's head is
fitted to its landmarks and every vertex takes the colour under it, in linear light, with the photo's own
light divided out; sides that the photo does not show take their mirror twin's colour, then the skin tone.
Pictures are rendered and lit in linear light, with two samples a pixel side, and stored in sRGB without EXIF.

Seeds 0-7 and 100-107 were looked at while the fit was being developed; others were not.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, UInt8
from numpy import ndarray
from PIL import Image

from core.arkit import ARKIT_INDEX
from core.capture.photos import load_photo
from core.face_model.model import FaceModel
from core.face_model.registry import load_model
from core.fitting.face_surface import face_weight
from core.fitting.types import Observation
from core.scene.camera import head_rotation, portrait_camera
from core.scene.lighting import random_lighting
from core.scene.rasterise import rasterise
from core.scene.render import render
from core.scene.shading import linear_to_srgb
from models.data.skins import paint_eyes, paint_inside, photo_albedo
from models.evaluation.mesh_error import shape_error
from tests.benchmarks.support.reading import PhotoReader, data_folder

DEVELOPMENT_SEEDS = (*range(8), *range(100, 108))
SIDE = 640  # pixels
FACE_VERTICES = 9_409  # upstream's "full face area", ears and front of the neck with it, comes first
YAWS = (0, 25, -25, 45, -45)  # degrees, of the five views; each varies by a few
# The photographs of human faces among the portraits; the others are paintings, drawings and animals.
_SKINS = ("liveportrait_s1.jpg", "liveportrait_s2.jpg", "liveportrait_s11.jpg", "liveportrait_s12.jpg")
SKIN_COUNT = len(_SKINS)
_PUPIL = 0.19  # radians from the direction of gaze
# Units that act together; one to three of these make an expression.
_ACTIONS = (
    "browInnerUp", "browDown", "browOuterUp", "eyeBlink", "eyeSquint", "eyeWide", "noseSneer", "jawOpen",
    "mouthSmile", "mouthFrown", "mouthPucker", "mouthStretch", "mouthUpperUp", "mouthLowerDown", "mouthLeft",
)  # fmt: skip
_SCAN_SIDE, _SCAN_LENS = 1200, float(np.radians(20))  # pixels (0.3 mm: finer than triangles), radians
_SCAN_YAWS, _SCAN_PITCHES = (-60, -30, 0, 30, 60), (-25, 0, 25)  # degrees
_ALIGNED_BY = [33, 133, 362, 263, 1, 61, 291]  # eye corners, nose tip, mouth corners


@dataclass(frozen=True)
class View:
    """One picture of a head and the coefficients it shows."""

    pixels: UInt8[ndarray, "side side 3"]
    expression: Float[ndarray, "52"]


@dataclass(frozen=True)
class TrueHead:
    """A random head of a model.

    Attributes:
        views: frontal first.
        at_rest: the same person without expression.
    """

    seed: int
    model: str
    neutral: Float32[ndarray, "vertices 3"]
    views: list[View]
    at_rest: View


def ict_model() -> FaceModel:
    """The ICT head; add it once with ``semblance models add ict ARCHIVE``."""
    return _loaded("ict")


@lru_cache
def _loaded(name: str) -> FaceModel:
    return load_model(name)


def skin_of(model_name: str, number: int, rng: np.random.Generator) -> Float32[ndarray, "vertices 3"]:
    """A skin from the portrait of a number, with eyes of a random colour."""
    albedo = _portrait_albedo(model_name, _SKINS[number % SKIN_COUNT]).copy()
    iris = rng.uniform(0.05, 0.25) * rng.uniform(0.7, 1.3, 3)
    paint_eyes(_loaded(model_name), albedo, iris, 0.8, _PUPIL)
    return albedo


def make_head(seed: int, model_name: str = "ict") -> TrueHead:
    """The head of a seed, of any model; the same at every call."""
    model, rng = _loaded(model_name), np.random.default_rng(seed)
    number = int(rng.integers(SKIN_COUNT))
    neutral = model.neutral(rng.standard_normal(len(model.identity_basis)).astype(np.float32))
    albedo = skin_of(model_name, number, rng)
    views = []
    for index, yaw in enumerate(YAWS):
        relaxed = index == 0 and rng.random() < 0.5
        expression = np.zeros(52) if relaxed else random_expression(rng)
        views.append(photograph(model, neutral, expression, albedo, yaw, rng))
    at_rest = photograph(model, neutral, np.zeros(52), albedo, 0, rng)
    return TrueHead(seed, model_name, neutral, views, at_rest)


def observe_views(views: list[View], reader: PhotoReader, folder: Path) -> list[Observation | None]:
    """The views as the fit sees them, by way of PNG files in ``folder``; none where no face is found."""
    seen = []
    for index, view in enumerate(views):
        path = folder / f"view-{index}.png"
        Image.fromarray(view.pixels).save(path)
        seen.append(reader.read(path))
    return seen


def now_region(landmarks: Float[ndarray, "478 3"], points: Float[ndarray, "points 3"]) -> Bool[ndarray, " p"]:
    """Which points the NoW challenge's crop of the face keeps: a ball round the tip of the nose.

    Its radius is 0.7 times the sum of the eyes' outer distance and the nose's length.
    """
    eyes = np.linalg.norm(landmarks[33] - landmarks[263])
    nose = np.linalg.norm(landmarks[168] - landmarks[2])
    return np.linalg.norm(points - landmarks[1], axis=1) < 0.7 * (eyes + nose)


def seen_from_outside(neutral: Float32[ndarray, "vertices 3"]) -> Bool[ndarray, " vertices"]:
    """Which vertices of an ICT head a scanner would see: not the inside of mouth, nose and lids."""
    return _seen_from_outside(neutral.tobytes())


@lru_cache(maxsize=4)
def _seen_from_outside(stored: bytes) -> Bool[ndarray, " vertices"]:
    neutral, ict = np.frombuffer(stored, np.float32).reshape(-1, 3).copy(), ict_model()
    triangles = torch.from_numpy(ict.triangles.astype(np.int64))
    seen = np.zeros(len(neutral), bool)
    for yaw, pitch in product(_SCAN_YAWS, _SCAN_PITCHES):
        camera, rotation, away = portrait_camera(
            _SCAN_SIDE, _SCAN_LENS, float(np.radians(yaw)), float(np.radians(pitch))
        )
        there = torch.from_numpy(neutral) @ rotation.float().T + away.float()
        hit = np.unique(rasterise(there, triangles, camera).triangle.numpy())
        seen[ict.triangles[hit[hit >= 0]]] = True
    return seen


def median_error(
    truth: Float32[ndarray, "v 3"], model: FaceModel, vertices: Float32[ndarray, "w 3"], hidden: bool = False
) -> float:
    """Median NoW-style distance in millimetres of a true ICT neutral to the skin of another model's head.

    Args:
        hidden: count the insides of mouth, nose and lids too, a seventh of the points, which no scan has.
    """
    landmarks = ict_model().landmarks(truth)
    face = truth[:FACE_VERTICES]
    if not hidden:
        face = face[seen_from_outside(truth)[:FACE_VERTICES]]
    skin = model.triangles[model.region_mask("skin")[model.triangles].all(axis=1)]
    distance = shape_error(
        face[now_region(landmarks, face)].astype(np.float64),
        landmarks[_ALIGNED_BY].astype(np.float64),
        vertices.astype(np.float64),
        skin,
        model.landmarks(vertices)[_ALIGNED_BY].astype(np.float64),
    )
    return 1e3 * float(np.median(distance))


def seeds_line(seeds: range, model_name: str = "ict") -> str:
    """Which heads a table is about, and whether the fit was developed on them."""
    known = sorted(set(seeds) & set(DEVELOPMENT_SEEDS))
    used = f"seeds {known[0]}-{known[-1]} were used in development" if known else "held out from development"
    return f"heads of {model_name}, seeds {seeds.start}-{seeds.stop - 1} ({used})"


def random_expression(rng: np.random.Generator) -> Float[ndarray, "52"]:
    """One to three actions of medium strength."""
    expression = np.zeros(52)
    for action in rng.choice(_ACTIONS, rng.integers(1, 4), replace=False):
        strength = rng.uniform(0.3, 0.9)
        for name in (action, f"{action}Left", f"{action}Right"):
            if name in ARKIT_INDEX and name != "mouthRight":
                expression[ARKIT_INDEX[name]] = strength
    return expression


def photograph(
    model: FaceModel,
    neutral: Float32[ndarray, "vertices 3"],
    expression: Float[ndarray, "52"],
    albedo: Float32[ndarray, "vertices 3"],
    yaw: float,
    rng: np.random.Generator,
) -> View:
    """A picture by a random lens from a random distance, in random light, before a plain background."""
    lens = rng.uniform(np.radians(15), np.radians(35))
    half_height = rng.uniform(0.13, 0.17)  # metres of the scene, at the head
    target = (rng.uniform(-0.02, 0.02), rng.uniform(-0.05, -0.01), 0.03)
    turn, nod, tilt = np.radians([yaw + rng.uniform(-7, 7), rng.uniform(-12, 12), rng.uniform(-8, 8)])
    distance = half_height / np.tan(lens / 2)
    camera, _, _ = portrait_camera(SIDE, float(lens))
    rotation = head_rotation(float(turn), float(nod), float(tilt))
    translation = torch.tensor([0.0, 0.0, float(distance)]) - rotation @ torch.tensor(target).float()
    posed = neutral + np.tensordot(expression.astype(np.float32), model.expression_deltas, axes=1)
    picture = render(
        torch.from_numpy(posed),
        torch.from_numpy(model.opaque_triangles).long(),
        torch.from_numpy(albedo),
        camera,
        rotation,
        translation,
        torch.from_numpy(random_lighting(rng).astype(np.float32)),
        torch.from_numpy(rng.uniform(0.05, 0.6, 3).astype(np.float32)),
        supersample=2,
    )
    head = picture.image[picture.alpha > 0.5]
    exposed = picture.image * (0.6 / torch.quantile(head.amax(dim=1)[::7], 0.95))
    stored = (255 * linear_to_srgb(exposed.clamp(0, 1))).round().to(torch.uint8)
    return View(stored.numpy(), expression)


@lru_cache
def _portrait_albedo(model_name: str, portrait: str) -> Float32[ndarray, "vertices 3"]:
    """Linear albedo of every vertex from a portrait; the eyes are left to :func:`skin_of`."""
    model = _loaded(model_name)
    above_collar = np.clip((model.template[:, 1] - model.landmarks(model.template)[152, 1]) / 0.01 + 1, 0, 1)
    photo = load_photo(data_folder() / "photos" / "portraits" / portrait)
    albedo, tone = photo_albedo(model, photo, model.masks.get("face", face_weight(model)) * above_collar)
    paint_inside(model, albedo, tone, np.array([0.35, 0.1, 0.1]), 0.75)
    return albedo
