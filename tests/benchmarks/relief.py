"""Relief from photos, on rendered heads whose relief is known.

    python -m tests.benchmarks.relief [--first 0] [--heads 4] [--side 1000] [--save FOLDER]

Random people of anny with random ridges and bumps 3 to 8 mm wide, pigment of about their contrast, random
light, sensor noise and JPEG, seen by three cameras; none moves a muscle. Heads are fitted to the pictures
and textured, and their relief at rest is compared with the truth over the face, each texel with what is at
its place in the picture that faces it most, so that relief is judged and not the fit of the mesh:
correlation of heights, error of slopes relative to the true ones, mean angle between normals. Beside it, a
flat skin, and "dark is deep" (Beeler et al. 2010): the frontal picture's fine light and dark as heights,
scaled so that they come nearest to the truth, which no user could do.

The relief is none that Semblance draws by itself. Seeds 0-3 were looked at while this was built.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from jaxtyping import Float32, UInt8
from numpy import ndarray
from PIL import Image

from core.capture.headshot import HeadShot
from core.face_model.model import FaceModel
from core.face_model.registry import load_model
from core.fitting.types import FittedHead
from core.images import sample_image
from core.photos_to_rig import shot_pixels
from core.scene.camera import head_rotation, portrait_camera, transform
from core.scene.interpolation import interpolate
from core.scene.lighting import random_lighting
from core.scene.portrait import Look, paint_head
from core.scene.rasterise import rasterise
from core.scene.relief import Relief
from core.surface.atlas import Atlas
from core.surface.relief import NEUTRAL
from core.surface.texture import build_texture
from core.surface.view import make_view, sample_photo, visibility
from core.surface.zones import face_zones
from tests.benchmarks.support.ict_truth import skin_of
from tests.benchmarks.support.reading import fit_photos

SIZE = 1024  # texels of the maps
YAWS = (0, 30, -30)
COLUMNS = ("flat", "dark is deep", "one photo", "three photos")
_BROAD = 4.5e-3 / 4e-4  # texels of a few millimetres
_MELANIN = np.array([0.55, 1.0, 1.25])

Figures = tuple[float, float, float]


@dataclass(frozen=True)
class _Shot:
    """A picture of the true head.

    Attributes:
        layout: of each pixel, u and v of the surface there; NaN on the background.
    """

    pixels: UInt8[ndarray, "side side 3"]
    layout: Float32[ndarray, "side side 2"]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--first", type=int, default=0, help="seed of the first head")
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--side", type=int, default=1000, help="pixels of the pictures")
    parser.add_argument("--save", type=Path, help="folder to keep the pictures in")
    options = parser.parse_args()
    model = load_model("anny")
    atlas = Atlas.of(model, SIZE)
    print(f"{'head':>6s}" + "".join(f"{column:>22s}" for column in COLUMNS))
    print(" " * 6 + "  correlation/slope/deg" * len(COLUMNS), flush=True)
    rows = []
    for seed in range(options.first, options.first + options.heads):
        with tempfile.TemporaryDirectory() as folder:
            rows.append(_figures(model, atlas, seed, options.side, options.save or Path(folder)))
        print(_line(str(seed), rows[-1]), flush=True)
    print(_line("mean", np.mean(rows, axis=0)))


def _line(name: str, figures: ndarray) -> str:
    return f"{name:>6s}" + "".join(f"{a:12.2f} {b:4.2f} {c:4.1f}" for a, b, c in figures)


def _figures(model: FaceModel, atlas: Atlas, seed: int, side: int, folder: Path) -> ndarray:
    """(methods, 3)."""
    rng = np.random.default_rng(seed)
    neutral = model.neutral(rng.standard_normal(len(model.identity_basis)).astype(np.float32))
    truth = _ridges(atlas, neutral, rng)
    shots = _photograph(atlas, neutral, truth, side, rng)
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"relief-{seed}-{index}.jpg" for index in range(len(shots))]
    for path, shot in zip(paths, shots, strict=True):
        Image.fromarray(shot.pixels).save(path, quality=92)
    one, three = fit_photos(paths[:1]), fit_photos(paths)
    view = make_view(one[0], one[0].photos[0], shot_pixels(one[1][0]))
    shown = np.log(np.maximum(sample_photo(atlas, view).mean(axis=2), 2e-3))
    deep = shown - cv2.GaussianBlur(shown, (0, 0), _BROAD)
    rows = [_judge(atlas, one, shots, truth, guess) for guess in (np.zeros_like(deep), deep)]
    rows += [_judge(atlas, fit, shots, truth, _at_rest(fit)) for fit in (one, three)]
    return np.array(rows)


def _ridges(atlas: Atlas, neutral: ndarray, rng: np.random.Generator) -> Float32[ndarray, "size size"]:
    """Valleys and bumps of 0.12 mm deviation."""
    points = atlas.paint_vertices(neutral)
    texel = float(np.median(np.linalg.norm(np.gradient(points, axis=1), axis=2)[atlas.triangle >= 0]))
    total = np.zeros((SIZE, SIZE), np.float32)
    for wide in (0.8e-3, 1.3e-3, 2.0e-3):
        noise = np.asarray(cv2.GaussianBlur(rng.normal(size=(SIZE, SIZE)), (0, 0), wide / texel))
        total += wide * (noise - np.abs(np.roll(noise, 300, axis=1))) / noise.std()
    fine = np.asarray(total - cv2.GaussianBlur(total, (0, 0), 4e-3 / texel))
    return np.where(atlas.covers("skin"), fine * np.float32(1.2e-4 / fine.std()), 0).astype(np.float32)


def _photograph(
    atlas: Atlas, neutral: ndarray, heights: ndarray, side: int, rng: np.random.Generator
) -> list[_Shot]:
    model = atlas.model
    skin = skin_of(model.name, int(rng.integers(4)), rng)
    spots = np.asarray(cv2.GaussianBlur(rng.normal(size=(SIZE, SIZE)), (0, 0), 2.5))
    albedo = atlas.paint_vertices(skin) * np.exp(-0.04 * _MELANIN * (spots / spots.std())[..., None])
    solid = ~model.region_mask("lashes")[model.triangles].any(axis=1)
    triangles, corners = (torch.from_numpy(t[solid]) for t in (model.triangles, model.triangle_corners))
    uv, vertices = torch.from_numpy(model.uv), torch.from_numpy(neutral)
    look = Look(triangles, corners, torch.from_numpy(albedo.astype(np.float32)), 0.5)
    relief = Relief(torch.from_numpy(heights), uv, corners)
    shots = []
    for yaw in YAWS:
        lens = float(rng.uniform(np.radians(15), np.radians(30)))
        camera, _, _ = portrait_camera(side, lens)
        turn, nod, tilt = (float(np.radians(angle + rng.uniform(-5, 5))) for angle in (yaw, 0, 0))
        rotation = head_rotation(turn, nod, tilt)
        away = torch.tensor([0.0, 0.0, float(0.145 / np.tan(lens / 2))])
        translation = away - rotation @ torch.tensor([0.0, -0.03, 0.03])
        sh = torch.from_numpy(random_lighting(rng).astype(np.float32))
        behind = torch.from_numpy(rng.uniform(0.1, 0.6, 3).astype(np.float32))
        picture = paint_head(
            vertices, uv, [look], camera, rotation, translation, behind, sh=sh, relief=relief
        ).numpy()
        noisy = picture + rng.normal(0, 0.006, picture.shape)
        seen = rasterise(transform(vertices, rotation, translation), triangles, camera)
        layout = interpolate(seen, corners, uv)
        layout[~seen.covered] = torch.nan
        shots.append(_Shot((noisy.clip(0, 1) * 255 + 0.5).astype(np.uint8), layout.numpy()))
    return shots


def _at_rest(fit: tuple[FittedHead, list[HeadShot]]) -> Float32[ndarray, "size size"]:
    head, shots = fit
    relief = build_texture(head, [shot_pixels(shot) for shot in shots], 2 * SIZE).relief
    return relief[NEUTRAL].heights if NEUTRAL in relief else np.zeros((SIZE, SIZE), np.float32)


def _judge(
    atlas: Atlas, fit: tuple[FittedHead, list[HeadShot]], shots: list[_Shot], truth: ndarray, guess: ndarray
) -> Figures:
    """Correlation, error of slopes and angle between normals, over the face."""
    head = fit[0]
    true, facing = np.zeros((SIZE, SIZE), np.float32), np.zeros((SIZE, SIZE), np.float32)
    for photo, cut, shot in zip(head.photos, fit[1], shots, strict=False):
        view = make_view(head, photo, shot_pixels(cut))
        seen, cosine = visibility(atlas, view)
        offset = np.subtract(photo.camera.intrinsics[2:], view.camera.intrinsics[2:])
        whole = (view.pixels + offset) / cut.scale + [cut.left, cut.top]
        layout = sample_image(shot.layout, atlas.paint_vertices(whole).reshape(-1, 2))
        there = sample_image(truth, atlas.texels(np.nan_to_num(layout))).reshape(SIZE, SIZE)
        better = (seen * cosine > facing) & ~np.isnan(layout[:, 0]).reshape(SIZE, SIZE)
        true[better], facing[better] = there[better], (seen * cosine)[better]
    zones = face_zones(atlas)
    known = (zones.middle * (1 - zones.features) > 0.8) & atlas.covers("skin") & (facing > 0)
    points = atlas.paint_vertices(head.neutral)
    steps = [np.maximum(np.linalg.norm(np.gradient(points, axis=axis), axis=2), 1e-5) for axis in (1, 0)]
    inside = cv2.erode(known.astype(np.uint8), np.ones((7, 7), np.uint8)).astype(bool)
    if guess.any():
        share = (guess * true)[inside].sum() / (guess**2)[inside].sum()
        guess = guess * (share if np.abs(guess).max() > 0.01 else 1)  # light and dark are no metres
    a, b = (
        np.stack(
            [
                np.gradient(h, axis=axis)[inside] / step[inside]
                for axis, step in zip((1, 0), steps, strict=True)
            ]
        )
        for h in (true, guess)
    )
    slope = np.sqrt(((a - b) ** 2).sum() / (a**2).sum())
    cosine = (1 + (a * b).sum(axis=0)) / np.sqrt((1 + (a**2).sum(axis=0)) * (1 + (b**2).sum(axis=0)))
    angle = np.degrees(np.arccos(np.clip(cosine, -1, 1)).mean())
    agreement = np.corrcoef(true[inside], guess[inside])[0, 1] if guess.any() else 0.0
    return float(agreement), float(slope), float(angle)


if __name__ == "__main__":
    main()
