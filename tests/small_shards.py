"""A small set of shards to train on: plainly drawn faces, everything known about them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from core.arkit import ARKIT_INDEX
from core.scene.camera import head_rotation
from core.scene.lighting import random_lighting
from models.crops import SIDE
from models.data.shards import write_dataset_file, write_shard
from models.face_code import FaceCode
from models.mirror import learn_mirror, write_mirror
from models.rendering import FaceRenderer
from models.training.source import load_head

PEOPLE, FRAMES = 8, 4
_UNITS = (
    ("jawOpen",),
    ("mouthSmileLeft", "mouthSmileRight"),
    ("browInnerUp", "browOuterUpLeft", "browOuterUpRight"),
    ("mouthPucker",),
    ("eyeBlinkLeft", "eyeBlinkRight"),
    ("mouthLeft", "jawLeft"),
)


def write_small_shards(folder: Path) -> None:
    """Eight people of anny in four frames each, drawn without hair, things or noise."""
    rng = np.random.default_rng(3)
    count = PEOPLE * FRAMES
    expression = np.zeros((count, 52))
    for row in expression:
        for unit in rng.choice(len(_UNITS), 2, replace=False):
            row[[ARKIT_INDEX[name] for name in _UNITS[unit]]] = rng.uniform(0.5, 1)
    head = load_head("anny")
    anny = head.model
    identity, albedo = (
        0.8 * rng.standard_normal((PEOPLE, n)).repeat(FRAMES, axis=0)
        for n in (len(anny.identity_basis), len(head.albedo_modes))
    )
    turns = [head_rotation(*rng.uniform([-0.4, -0.2], [0.4, 0.2]).tolist()).numpy() for _ in range(count)]
    focal = SIDE * rng.uniform(3, 5, count)
    labels = {
        "person": np.arange(count) // FRAMES,
        "frame": np.arange(count) % FRAMES,
        "identity": identity,
        "expression": expression,
        "rotation": np.stack(turns),
        "translation": np.stack(
            [rng.uniform(-0.01, 0.01, count), rng.uniform(-0.04, -0.02, count), 0.235 * focal / SIDE], 1
        ),
        "camera": np.stack([focal, focal, *np.full((2, count), SIDE / 2)], 1),
        "sh": np.stack([random_lighting(rng) for _ in range(count)]),
        "albedo": albedo,
    }
    labels = {k: v if v.dtype.kind == "i" else v.astype(np.float32) for k, v in labels.items()}
    images, skins, landmarks = _drawn(labels)
    write_dataset_file(
        folder, {"kind": "rendered", "model": "anny", "sources": {"heads": "anny, CC0", "skins": "own"}}
    )
    write_mirror(folder, learn_mirror(anny, np.ones(len(head.albedo_modes))))
    write_shard(folder / "anny-000000.npz", images, skins, {**labels, "landmarks": landmarks})


def _drawn(labels: dict[str, np.ndarray]) -> tuple[list[np.ndarray], list[np.ndarray], np.ndarray]:
    head = load_head("anny")
    renderer = FaceRenderer(head.model, head.albedo_mean, head.albedo_modes, SIDE)
    names = ("identity", "expression", "albedo", "rotation", "translation", "sh")
    with torch.no_grad():
        identity, expression, albedo, rotation, translation, sh = (
            torch.from_numpy(labels[name]) for name in names
        )
        code = FaceCode(identity, expression, albedo, rotation, translation, sh)
        drawn = renderer(code, torch.from_numpy(labels["camera"]))
    photo = torch.where(drawn.covered[:, None] > 0, drawn.image.clamp(0, 1), torch.tensor(0.4))
    images = (255 * photo).round().byte().permute(0, 2, 3, 1).numpy()
    return list(images), list((255 * drawn.skin).byte().numpy()), drawn.landmarks.numpy()
