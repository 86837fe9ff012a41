"""Clips whose truth is known: ICT heads that play a take under head motion, filmed to H.264."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
import torch
from jaxtyping import Float, Float32
from numpy import ndarray

from core.scene.camera import head_rotation, portrait_camera
from core.scene.lighting import random_lighting
from core.scene.render import render
from core.scene.shading import linear_to_srgb
from core.track import read_livelink
from tests.benchmarks.support import ict_truth
from tests.benchmarks.support.reading import data_folder

SIDE, RATE = 512, 30
FIRST_SEED = 3000
HELD_OUT_FRAME = 2015
"""Where the take's second half begins, which no network has seen."""


@dataclass(frozen=True)
class Take:
    """What a clip shows, frame by frame.

    Attributes:
        rotation, translation: head → camera, metres.
        focal: of the camera, pixels; the axis passes through the middle of the picture.
        neutral: the head without expression.
    """

    coefficients: Float[ndarray, "frames 52"]
    rotation: Float[ndarray, "frames 3 3"]
    translation: Float[ndarray, "frames 3"]
    focal: float
    neutral: Float32[ndarray, "vertices 3"]


def film(seed: int, coefficients: Float[ndarray, "frames 52"], path: Path) -> Take:
    """A head of its own plays the coefficients; the clip goes to ``path``."""
    ict, rng = ict_truth.ict_model(), np.random.default_rng(seed)
    neutral = ict.neutral(rng.standard_normal(len(ict.identity_basis)).astype(np.float32))
    albedo = ict_truth.skin_of("ict", seed, rng)
    light = torch.from_numpy(random_lighting(rng).astype(np.float32))
    backdrop = torch.from_numpy(rng.uniform(0.1, 0.6, 3).astype(np.float32))
    lens = rng.uniform(np.radians(18), np.radians(35))
    camera, _, _ = portrait_camera(SIDE, float(lens))
    distance = 0.15 / np.tan(lens / 2)
    turns = _head_motion(len(coefficients), rng)
    shown = torch.from_numpy(ict.opaque_triangles).long()
    rotations, translations, exposure = [], [], None
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=RATE, options={"crf": "18", "preset": "veryfast"})
        stream.width = stream.height = SIDE
        stream.pix_fmt = "yuv420p"
        for row, turn in zip(coefficients, turns, strict=True):
            posed = neutral + np.tensordot(row.astype(np.float32), ict.expression_deltas, axes=1)
            rotation = head_rotation(*turn)
            away = torch.tensor([0.0, 0.0, float(distance)]) - rotation @ torch.tensor([0.0, -0.03, 0.03])
            picture = render(
                torch.from_numpy(posed), shown, torch.from_numpy(albedo), camera, rotation, away, light,
                backdrop, supersample=2,
            )  # fmt: skip
            if exposure is None:
                face = picture.image[picture.alpha > 0.5].amax(dim=1)
                exposure = 0.6 / torch.quantile(face[::7], 0.95)
            stored = 255 * linear_to_srgb((picture.image * exposure).clamp(0, 1)).numpy()
            seen = stored + rng.normal(0, 2, stored.shape)
            container.mux(
                stream.encode(av.VideoFrame.from_ndarray(seen.clip(0, 255).astype(np.uint8), format="rgb24"))
            )
            rotations.append(rotation.numpy())
            translations.append(away.numpy())
        container.mux(stream.encode(None))
    return Take(coefficients, np.array(rotations), np.array(translations), float(camera.fx), neutral)


def _head_motion(frames: int, rng: np.random.Generator) -> list[tuple[float, float, float]]:
    """Yaw, pitch and roll in radians: slow sways and quicker nods."""
    t = np.arange(frames) / RATE
    phase = rng.uniform(0, 2 * np.pi, 5)
    yaw = 20 * np.sin(2 * np.pi * 0.17 * t + phase[0]) + 6 * np.sin(2 * np.pi * 0.5 * t + phase[1])
    pitch = 7 * np.sin(2 * np.pi * 0.23 * t + phase[2]) + 2 * np.sin(2 * np.pi * 0.9 * t + phase[4])
    roll = 6 * np.sin(2 * np.pi * 0.13 * t + phase[3])
    return [(float(a), float(b), float(c)) for a, b, c in np.radians(np.column_stack([yaw, pitch, roll]))]


def take_clips(
    heads: int, frames: int, first: int, folder: Path | None, seed: int = FIRST_SEED
) -> Iterator[tuple[Path, Take]]:
    """Clips of so many heads, each with the next part of the take of the test data.

    Args:
        frames: of the take, for each head.
        first: frame of the take.
        seed: of the first head; the next ones follow.
        folder: that keeps the clips; without one, they are gone with the iterator.
    """
    take = read_livelink(data_folder() / "arkit" / "livelink_range_of_motion.csv").coefficients.clip(0, 1)
    with tempfile.TemporaryDirectory() as scratch:
        kept = folder or Path(scratch)
        kept.mkdir(exist_ok=True)
        for index in range(heads):
            start = first + index * frames
            yield film_once(seed + index, take[start : start + frames].astype(np.float64), kept)


def film_once(seed: int, coefficients: Float[ndarray, "frames 52"], folder: Path) -> tuple[Path, Take]:
    """As :func:`film`, into a folder that keeps clips and their truth: what is there is not filmed again."""
    clip, truth = folder / f"{seed}.mp4", folder / f"{seed}.npz"
    if truth.exists():
        with np.load(truth, allow_pickle=False) as stored:
            take = Take(**{name: stored[name] for name in Take.__dataclass_fields__})
        if np.array_equal(take.coefficients, coefficients):
            return clip, take
    take = film(seed, coefficients, clip)
    np.savez(truth, **asdict(take))
    return clip, take
