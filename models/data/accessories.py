"""What hides parts of rendered faces: glasses, hands, microphones, cloth masks; and clothes."""

from __future__ import annotations

from typing import Final

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from core.face_model.model import JOINTS, FaceModel
from core.landmark_topology import EYE_LEFT, EYE_RIGHT
from core.scene.camera import head_rotation
from models.data.meshes import Sheet, Solid, ellipsoid, joined, solid, tube

GLASSES, HAND, MICROPHONE, CLOTH = 0.28, 0.08, 0.06, 0.05  # shares of people, of frames for the hand
_SKIN_TONES: Final = np.array([[0.55, 0.36, 0.28], [0.30, 0.18, 0.12], [0.09, 0.05, 0.035]])


def random_glasses(rng: np.random.Generator, marks: Float32[ndarray, "478 3"]) -> list[Solid]:
    """Glasses on a head with these landmarks (head space), for about a quarter of all heads."""
    wears, dark, numbers, colour = rng.random() < GLASSES, rng.random() < 0.25, rng.random(6), rng.random(3)
    if not wears:
        return []
    metal = numbers[0] < 0.4
    paint = np.array([0.25, 0.22, 0.18]) if metal else 0.01 + 0.35 * colour**3
    thick = 0.0007 + 0.0006 * numbers[1] if metal else 0.0012 + 0.0014 * numbers[1]
    wide, high = 0.021 + 0.006 * numbers[2], 0.016 + 0.008 * numbers[3]
    square = 2.0 + 3.0 * numbers[4]  # exponent of a superellipse
    turn = np.linspace(0, 2 * np.pi, 28, endpoint=False)
    power = 2 / square
    outline = np.stack(
        [wide * np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** power,
         high * np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** power], axis=1,
    )  # fmt: skip
    front = float(max(marks[[9, 168, 6]][:, 2].max(), marks[[105, 334, 66, 296]][:, 2].max())) + 0.004
    parts, lenses = [], []
    for ring, side, ear in ((EYE_RIGHT, -1, marks[127]), (EYE_LEFT, 1, marks[356])):
        centre = marks[list(ring)].mean(axis=0)
        x, y = centre[0] + side * 0.001, centre[1] - 0.003
        bend = 0.12 * np.abs(outline[:, 0] * side).clip(0)
        rim = np.column_stack([x + outline[:, 0], y + outline[:, 1], front - bend])
        parts.append(tube(rim, thick, closed=True))
        hinge = np.array([x + side * wide, y + 0.4 * high, front - 0.003])
        over = np.array([ear[0] + side * 0.006, max(ear[1], hinge[1] - 0.012), ear[2] - 0.03])
        parts.append(tube(np.linspace(hinge, over, 8), thick))
        lenses.append(ellipsoid(np.array([x, y, front - 0.001]), np.array([wide, high, 0.0012]), 8, 20))
    inner = [marks[list(ring)].mean(axis=0) for ring in (EYE_RIGHT, EYE_LEFT)]
    ends = np.array([[inner[0][0] + wide, 0, 0], [0, 0.002, 0.002], [inner[1][0] - wide, 0, 0]])
    parts.append(tube(ends + np.array([0, inner[0][1] + 0.2 * high, front]), thick))
    made = [solid(*joined(parts), paint, 0.6)]
    if dark:
        made.append(solid(*joined(lenses), 0.004 + 0.05 * colour * numbers[5], 0.9))
    return made


def random_hand(rng: np.random.Generator, marks: Float32[ndarray, "478 3"]) -> list[Solid]:
    """A hand-like thing before the mouth, chin or a cheek, in one frame of twelve."""
    shown, place, tilt, tone = rng.random() < HAND, rng.integers(5), rng.normal(0, 0.5), rng.integers(3)
    spread = rng.uniform(0.015, 0.019)
    if not shown:
        return []
    target = marks[[13, 152, 50, 280, 1][place]]
    side = 1.0 if target[0] >= 0 else -1.0
    parts = []
    for finger in range(4):
        root = np.array([side * 0.045 + (finger - 1.5) * 0.004, -0.055 - 0.004 * abs(finger - 1.5), 0.024])
        tip = np.array([(finger - 1.5) * spread, 0.012 - 0.004 * abs(finger - 1.5), 0.014])
        root[0] += (finger - 1.5) * spread
        middle = (root + tip) / 2 + (0, 0, 0.010)
        parts += [tube(np.array([root, middle, tip]), 0.0078, 8)]
        parts += [ellipsoid(joint, np.full(3, 0.0079), 6, 8) for joint in (middle, tip)]
    palm = np.array([side * 0.05, -0.085, 0.02])
    parts.append(ellipsoid(palm, np.array([0.042, 0.045, 0.014])))
    parts.append(tube(np.array([palm, palm + np.array([side * 0.06, -0.16, -0.01])]), 0.026, 10))
    vertices, triangles = joined(parts)
    turn = np.array([[np.cos(tilt), -np.sin(tilt), 0], [np.sin(tilt), np.cos(tilt), 0], [0, 0, 1]])
    return [solid(vertices @ turn.T + target, triangles, _SKIN_TONES[tone] * rng.uniform(0.7, 1.2), 0.15)]


def random_microphone(rng: np.random.Generator, marks: Float32[ndarray, "478 3"]) -> list[Solid]:
    """A microphone below the mouth."""
    shown, aside, near = rng.random() < MICROPHONE, rng.uniform(-0.03, 0.03), rng.uniform(0.025, 0.06)
    grey = rng.uniform(0.01, 0.12)
    if not shown:
        return []
    head = marks[14] + (aside, -0.018 - 0.4 * near, near)
    ball = ellipsoid(head, np.array([0.022, 0.024, 0.022]))
    stick = tube(np.linspace(head, head + np.array([0.3 * aside, -0.2, 0.06]), 5), 0.011, 10)
    return [solid(*joined([ball, stick]), np.full(3, grey), 0.3)]


def random_cloth(
    rng: np.random.Generator, model: FaceModel, posed: Float32[ndarray, "vertices 3"], normals: ndarray
) -> list[Sheet]:
    """A cloth mask over nose and mouth, for few people."""
    worn, low, colour = rng.random() < CLOTH, rng.random() < 0.25, rng.random(3)
    if not worn:
        return []
    marks = model.landmarks(model.template)
    points = model.template
    upper = marks[1, 1] - 0.012 if low else marks[197, 1]
    edge = upper - 0.12 * np.abs(points[:, 0]) - points[:, 1]
    front = points[:, 2] - marks[234, 2] - 0.012
    inside = np.minimum.reduce([edge, front, points[:, 1] - marks[152, 1] + 0.012])
    skin = model.region_mask("skin")[model.triangles].all(axis=1)
    used = skin & (inside[model.triangles] > -0.012).any(axis=1)
    paint = np.array([0.25, 0.45, 0.60]) if colour[0] < 0.5 else np.full(3, 0.03 + 0.7 * colour[1])
    return [
        Sheet(
            (posed + 0.005 * normals).astype(np.float32), model.triangles[used].astype(np.int32),
            inside.astype(np.float32), (points * 300).astype(np.float32), paint.astype(np.float32),
            0.0005, 0.10, 0.05,
        )
    ]  # fmt: skip


def clothes(
    rng: np.random.Generator,
    model: FaceModel,
    neutral: Float32[ndarray, "vertices 3"],
    angles: tuple[float, float, float],
) -> list[Solid]:
    """Shoulders that turn less than the head, in a garment of one colour.

    Args:
        angles: yaw, pitch and roll of the head, radians.
    """
    low = float(neutral[:, 1].min())
    neck = model.joints(neutral)[JOINTS.index("neck")]
    trunk = ellipsoid(np.array([0, low - 0.075, neck[2] - 0.01]), np.array([0.205, 0.085, 0.11]), 14, 28)
    turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    ring = np.stack([0.068 * np.sin(turn), 0 * turn, 0.07 * np.cos(turn)], axis=1)
    collar = tube(ring + np.array([0, low + 0.005, neck[2] - 0.005]), 0.018, closed=True)
    vertices, triangles = joined([trunk, collar])
    yaw, pitch, roll = angles
    turned = head_rotation(yaw, pitch, roll).numpy().T @ head_rotation(
        0.35 * yaw, 0.2 * pitch, 0.15 * roll
    ).numpy()  # fmt: skip
    placed = (vertices - neck) @ turned.T.astype(np.float64) + neck
    colour = 0.01 + 0.6 * rng.random(3) ** 2 * rng.uniform(0.2, 1.0)
    return [solid(placed, triangles, colour, 0.02)]
