"""What is behind rendered heads."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Float32
from numpy import ndarray


def random_background(rng: np.random.Generator, side: int) -> Float32[ndarray, "side side 3"]:
    """A gradient, soft noise, stripes or clutter, often out of focus; linear light."""
    kind = rng.choice(4, p=[0.25, 0.3, 0.12, 0.33])
    colours = rng.random((6, 3)) ** rng.uniform(1, 3) * rng.uniform(0.3, 1.0)
    if rng.random() < 0.7:
        colours = colours.mean(axis=1, keepdims=True) * (1 + 0.2 * rng.standard_normal(3))
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) / side
    angle = rng.uniform(0, 2 * np.pi)
    ramp = np.clip(0.5 + (x - 0.5) * np.cos(angle) + (y - 0.5) * np.sin(angle), 0, 1)[..., None]
    picture = ramp * colours[0] + (1 - ramp) * colours[1]
    if kind == 1:
        picture = _noise(rng, side, colours)
    elif kind == 2:
        waves = 0.5 + 0.5 * np.sign(np.sin((x * np.cos(angle) + y * np.sin(angle)) * rng.uniform(15, 90)))
        picture += (waves[..., None] - 0.5) * 0.6 * (colours[2] - colours[3])
    elif kind == 3:
        picture = _clutter(rng, side, picture, colours)
    if rng.random() < 0.6:
        picture = cv2.GaussianBlur(picture.astype(np.float32), (0, 0), rng.uniform(0.7, 7))
    return picture.clip(0, 1).astype(np.float32)


def _noise(rng: np.random.Generator, side: int, colours: ndarray) -> ndarray:
    picture = np.zeros((side, side, 3), np.float32)
    for octave, colour in enumerate(colours[:4]):
        cells = 3 * 2**octave
        small = rng.random((cells, cells, 1)).astype(np.float32)
        large = cv2.resize(small, (side, side), interpolation=cv2.INTER_CUBIC)
        picture += large[..., None] * colour / 1.5**octave
    return picture / 1.5


def _clutter(rng: np.random.Generator, side: int, picture: ndarray, colours: ndarray) -> ndarray:
    """Boxes, discs and bars such as shelves, lamps, windows and leaves make."""
    made = np.ascontiguousarray(picture, np.float32)
    for _ in range(rng.integers(5, 30)):
        colour = tuple(float(c) for c in colours[rng.integers(len(colours))] * rng.uniform(0.4, 1.6))
        a, b = (tuple(int(v) for v in rng.integers(-20, side + 20, 2)) for _ in range(2))
        shape, size = rng.integers(3), int(rng.integers(2, side // 5))
        if shape == 0:
            cv2.rectangle(made, a, (a[0] + 2 * size, a[1] + int(size * rng.uniform(0.3, 3))), colour, -1)
        elif shape == 1:
            cv2.ellipse(made, a, (size, size // 2 + 2), float(rng.uniform(0, 180)), 0, 360, colour, -1)
        else:
            cv2.line(made, a, b, colour, max(1, size // 6), cv2.LINE_AA)
    return made


def random_patch(
    rng: np.random.Generator, side: int, *, always: bool = False
) -> tuple[Float32[ndarray, "side side 3"], Float32[ndarray, "side side"]] | None:
    """Something flat before the camera, in one picture of twelve or ``always``.

    Returns:
        linear colours, and how much of each pixel it covers (0-1).
    """
    shown, corners = rng.random() < 1 / 12, rng.integers(3, 8)
    if not (shown or always):
        return None
    centre, radius = rng.uniform(0.1, 0.9, 2) * side, rng.uniform(0.06, 0.2) * side
    turn = np.sort(rng.uniform(0, 2 * np.pi, corners))
    outline = centre + radius * rng.uniform(0.6, 1.3, (corners, 1)) * np.stack(
        [np.cos(turn), np.sin(turn)], 1
    )
    cover = np.zeros((side, side), np.float32)
    cv2.fillPoly(cover, [np.round(outline * 16).astype(np.int32)], (1.0,), cv2.LINE_AA, shift=4)
    return random_background(rng, side), cover
