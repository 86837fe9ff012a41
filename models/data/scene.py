"""Random people before random cameras, with everything that is known about each picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from jaxtyping import Float32, UInt8
from numpy import ndarray

from core.capture.crop import SquareCrop
from core.capture.faces import Face
from core.face_model.model import FaceModel
from core.scene.shading import vertex_normals
from models.crops import MARGIN, SIDE, crop_view, project_points
from models.data.accessories import clothes, random_cloth, random_glasses, random_hand, random_microphone
from models.data.albedo import AlbedoBasis
from models.data.backgrounds import random_background, random_patch
from models.data.draw import HeadPainter
from models.data.hair import Barber, HairStyle
from models.data.heads import LandmarkReader, random_shot
from models.data.lights import random_scene_light
from models.data.meshes import Sheet, Solid
from models.data.performance import Performer
from models.data.sensor import photograph
from models.data.skin_recipe import SkinRecipe
from models.data.surface import vertex_surface
from models.data.textures import TexturePainter

MODELS: Final = {"anny": 1, "ict": 2}
_SPREADS: Final = (0.6, 0.8, 1.0)  # standard deviations of the identity coefficients
_FARTHEST_YAW: Final = 75.0
_SHOT_SIDE: Final = 1000  # pixels of the imagined photo that the crop is cut from


@dataclass(frozen=True)
class Difficulty:
    """How much stands between the camera and the face.

    Attributes:
        dressed: hair, glasses, hands and things before the camera; else a bald, free head.
        turned: spread of the head's angles, 1 for the usual one.
        camera: blur, noise and compression.
    """

    dressed: bool = True
    turned: float = 1.0
    camera: bool = True


@dataclass(frozen=True)
class Rendered:
    """A person's frames.

    Attributes:
        images, skins: pictures (sRGB) and masks (255 = bare skin).
        labels: arrays by the names of :mod:`models.data.sample`, first axis frames; ``identity`` and
            ``albedo`` too, the same in every frame.
    """

    images: list[UInt8[ndarray, "side side 3"]]
    skins: list[UInt8[ndarray, "side side"]]
    labels: dict[str, ndarray]


class PeopleRenderer:
    """Renders people of one model; a person depends on the seed and on their number alone."""

    def __init__(
        self,
        model: FaceModel,
        basis: AlbedoBasis,
        performer: Performer,
        seed: int,
        *,
        painter: TexturePainter | None = None,
        seen: bool = False,
        difficulty: Difficulty | None = None,
    ) -> None:
        self.model, self.basis, self.seed = model, basis, seed
        self._performer, self._difficulty = performer, difficulty or Difficulty()
        self._textures = painter or TexturePainter(model)
        self._heads = HeadPainter(model, self._textures.lash_alpha)
        self._barber = Barber(model, vertex_surface(model))
        self._reader = LandmarkReader() if seen else None
        self._triangles = torch.from_numpy(model.triangles.astype(np.int64))

    def person(self, number: int, frames: int) -> Rendered:
        """The person of a number in so many frames."""
        rng = np.random.default_rng([self.seed, MODELS[self.model.name], number])
        spread = rng.choice(_SPREADS)
        identity = (spread * rng.standard_normal(len(self.model.identity_basis))).astype(np.float32)
        recipe, style = SkinRecipe.draw(rng), HairStyle.draw(rng)
        dressed = self._difficulty.dressed
        neutral = self.model.neutral(identity)
        normals = self._normals(neutral)
        texture = self._textures.texture(recipe, style.scalp if dressed else 0.0, style.hairline)
        marks = self.model.landmarks(neutral)
        worn = random_glasses(rng, marks)
        scene = _Person(
            neutral, texture.image, self._barber.sheets(style, recipe.hair_colour, neutral, normals), worn,
            float(rng.uniform(0.1, 1.0)), int(rng.integers(2**31)),
        )  # fmt: skip
        albedo = self.basis.encode(self._textures.vertex_albedo(recipe))
        expressions = self._performer.frames(frames, rng)
        images, skins, labels = [], [], []
        for index, expression in enumerate(expressions):
            own = np.random.default_rng([self.seed, MODELS[self.model.name], number, index])
            image, skin, known = self._frame(scene, expression, own)
            images.append(image)
            skins.append(skin)
            labels.append(
                known | {"identity": identity, "albedo": albedo, "person": number, "frame": index}
            )  # fmt: skip
        stacked = {name: np.stack([np.asarray(label[name]) for label in labels]) for name in labels[0]}
        return Rendered(images, skins, stacked)

    def _frame(
        self, person: _Person, expression: Float32[ndarray, "52"], rng: np.random.Generator
    ) -> tuple[UInt8[ndarray, "side side 3"], UInt8[ndarray, "side side"], dict[str, ndarray]]:
        deltas = np.tensordot(expression, self.model.expression_deltas, axes=1)
        posed = (person.neutral + deltas).astype(np.float32)
        angles = _random_angles(rng, self._difficulty.turned)
        camera, rotation, translation = self._view(posed, angles, rng)
        solids, sheets = self._dress(person, posed, angles, rng)
        light = random_scene_light(rng)
        drawing = self._heads.draw(
            posed, person.texture, solids, sheets, (camera, rotation, translation), light, person.gloss, SIDE
        )
        # a camera exposes for the face, but not all the way: dark skin stays darker
        gain = rng.uniform(0.75, 1.2) * (0.62 / max(drawing.level, 1e-3)) ** rng.uniform(0.5, 0.95)
        white = gain * np.exp(rng.normal(0, 0.06, 3))
        behind = random_background(rng, SIDE) * rng.uniform(0.3, 1.2)
        linear = drawing.colour * white + (1 - drawing.cover[..., None]) * behind
        skin = drawing.skin
        patch = random_patch(rng, SIDE)
        if patch is not None and self._difficulty.dressed:
            linear += patch[1][..., None] * (patch[0] - linear)
            skin = skin * (1 - patch[1])
        picture = photograph(linear.astype(np.float32), rng, clean=not self._difficulty.camera)
        points = self.model.landmarks(posed)
        true = project_points(points, camera, rotation, translation)
        known = {
            "expression": expression.astype(np.float32),
            "rotation": rotation,
            "translation": translation,
            "camera": camera,
            "sh": (light.sh * white).astype(np.float32),
            "landmarks": true,
        }
        if self._reader is not None:
            looks, presence = self._reader.look(picture, true)
            known |= {"seen": looks.mean(axis=0), "presence": np.float32(presence)}
        return picture, np.where(skin > 0.5, 255, 0).astype(np.uint8), known

    def _dress(
        self,
        person: _Person,
        posed: Float32[ndarray, "vertices 3"],
        angles: tuple[float, float, float],
        rng: np.random.Generator,
    ) -> tuple[list[Solid], list[Sheet]]:
        """Hair follows the person, things in hand come and go."""
        body = clothes(np.random.default_rng(person.wardrobe), self.model, person.neutral, angles)
        if not self._difficulty.dressed:
            return body, []
        marks = self.model.landmarks(posed)
        held = random_hand(rng, marks) + random_microphone(np.random.default_rng(person.wardrobe + 1), marks)
        cloth = random_cloth(
            np.random.default_rng(person.wardrobe + 2), self.model, posed, self._normals(posed)
        )
        return [*body, *person.worn, *held], [*cloth, *person.hair]

    def _view(
        self,
        posed: Float32[ndarray, "vertices 3"],
        angles: tuple[float, float, float],
        rng: np.random.Generator,
    ) -> tuple[Float32[ndarray, "4"], Float32[ndarray, "3 3"], Float32[ndarray, "3"]]:
        """The camera of a jittered crop round the face in a photo, and the head's pose before it."""
        yaw, pitch, roll = (float(np.degrees(angle)) for angle in angles)
        shot = random_shot(rng, yaw, pitch, roll, side=_SHOT_SIDE)
        camera = np.array(shot.camera.intrinsics)
        marks = project_points(self.model.landmarks(posed), camera, shot.rotation, shot.translation)
        crop = Face(marks, 1.0, 1.0, 1.0).crop(MARGIN)
        return crop_view(jittered(crop, rng), camera, shot.rotation, shot.translation)

    def _normals(self, vertices: Float32[ndarray, "vertices 3"]) -> Float32[ndarray, "vertices 3"]:
        return vertex_normals(torch.from_numpy(vertices), self._triangles).numpy()


@dataclass(frozen=True)
class _Person:
    neutral: Float32[ndarray, "vertices 3"]
    texture: Float32[ndarray, "rows columns 4"]
    hair: list[Sheet]
    worn: list[Solid]
    gloss: float
    wardrobe: int


def jittered(crop: SquareCrop, rng: np.random.Generator, strength: float = 1.0) -> SquareCrop:
    """A crop as a tracker would have it: a little off, larger or smaller, turned."""
    shift = rng.normal(0, 0.02 * strength, 2).clip(-0.06, 0.06)
    zoom = float(np.exp(rng.normal(0, 0.06 * strength)))
    return crop.moved((float(shift[0]), float(shift[1])), zoom, float(rng.normal(0, 0.05 * strength)))


def _random_angles(rng: np.random.Generator, spread: float) -> tuple[float, float, float]:
    """Yaw, pitch and roll, radians."""
    yaw = float(np.clip(rng.normal(0, 27 * spread), -_FARTHEST_YAW, _FARTHEST_YAW))
    pitch, roll = float(rng.normal(0, 11 * spread)), float(rng.normal(0, 8 * spread))
    return tuple(float(np.radians(a)) for a in (yaw, np.clip(pitch, -32, 32), roll))  # type: ignore[return-value]
