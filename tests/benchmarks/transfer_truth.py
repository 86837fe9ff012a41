"""Shape keys made for heads whose true ones are known by name.

Run as ``python -m tests.benchmarks.transfer_truth [--heads N] [--pictures FOLDER]``. Rigs are a model's mean
head with the model's own shapes; targets are heads of the other model and of the same one, the mean and
random people (N(0, 1) in all modes, half the spread), and, with ``SEMBLANCE_TEST_DATA``, a character that an
artist gave ARKit shapes, which are taken away. The target's topology and shapes are not told to the transfer.

Printed: the error of a key's displacements over the skin that any true key moves, as a share of the true
key's size (RMS over RMS): the median over keys, and over those of each part of the face. 1 is a key that does
nothing. Models disagree about how far and in which manner a key moves; what is left after the best single
gain for each key (``shape``) tells less of that. Beside it, in the same run, keys that copy the displacement
of the nearest point of the rig, registered by the same registration, without deformation transfer. ``lids``
is what eyeBlink leaves of the opening.

Looked at in development: the mean heads, the character, and seed 0. Nothing was fitted to the figures.
"""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy import ndarray
from PIL import Image

from core.arkit import ARKIT_INDEX
from core.deformation.eyelids import find_eyelids, fit_eyeball
from core.face_model.model import FaceModel
from core.face_model.registry import load_model
from core.geometry.closest import closest_points
from core.progress import Progress
from core.retarget.keyless.make import EXPECTED_SECONDS, Laid, lay_on, make_shape_keys
from core.retarget.keyless.mesh import TargetMesh
from core.scene.camera import portrait_camera
from core.scene.render import render_clay
from tests.benchmarks.support.reading import data_folder
from tests.lids import lid_gap
from tests.rigs import model_rig

GROUPS: dict[str, str | tuple[str, ...]] = {
    "brow": "brow",
    "eye": "eye",
    "cheek+nose": ("cheek", "nose"),
    "jaw": "jaw",
    "mouth": "mouth",
}
PICTURES: tuple[dict[str, float], ...] = (
    {},
    {"jawOpen": 1},
    {"eyeBlinkLeft": 1, "eyeBlinkRight": 1},
    {"mouthSmileLeft": 1, "mouthSmileRight": 1},
    {"mouthFunnel": 1},
    {"jawOpen": 1, "mouthClose": 1},
    {"browInnerUp": 1, "eyeWideLeft": 1, "eyeWideRight": 1, "jawOpen": 0.3},
    {"noseSneerLeft": 1, "noseSneerRight": 1, "mouthUpperUpLeft": 1, "mouthUpperUpRight": 1},
)


@dataclass(frozen=True)
class Target:
    """A head with its true shapes; ``skin`` says which vertices count, ``metre`` is the length of one."""

    name: str
    mesh: TargetMesh
    truth: ndarray
    skin: ndarray
    metre: float = 1.0
    model: FaceModel | None = None


def model_target(model: FaceModel, seed: int | None) -> Target:
    """The mean head of a model, or a random person."""
    count = len(model.identity_basis)
    identity = np.zeros(count) if seed is None else 0.5 * np.random.default_rng(seed).standard_normal(count)
    head = model.neutral(identity.astype(np.float32)).astype(np.float64)
    mesh = TargetMesh(
        head,
        model.polygon_vertices,
        model.polygon_starts,
        model.region_mask("lashes").astype(np.int64),
        ("head", "lashes"),
    )
    name = f"{model.name} {'mean' if seed is None else seed}"
    return Target(
        name, mesh, model.expression_deltas.astype(np.float64), model.region_mask("skin"), 1.0, model
    )


def character(path: Path) -> Target:
    """The test data's character from its text FBX: positions, polygons and shapes of four meshes."""
    text = path.read_text(encoding="latin-1")
    names = dict(re.findall(r";Geometry::, Model::(\w+)\n\tC: \"OO\",(\d+),", text))
    groups = re.findall(r'"Model::grp_(\w+)", "Null" \{(.*?)\n\t\}', text, re.S)
    moves = {name: re.search(r'"Lcl Translation",[^\n]*"A",([-\d.,]+)', block) for name, block in groups}
    places = {name: np.array([float(x) for x in move[1].split(",")]) for name, move in moves.items() if move}
    blocks = {block.split(",")[0]: block for block in re.split(r"\n\tGeometry: ", text)[1:]}

    def numbers(block: str, key: str) -> ndarray:
        found = re.search(key + r": \*\d+ \{\s*a: ([^}]*)\}", block)
        assert found
        return np.array(found[1].replace("\n", "").split(","), float)

    vertices: list[ndarray] = []
    corners: list[ndarray] = []
    starts: list[ndarray] = []
    owners: list[ndarray] = []
    for number, (name, key) in enumerate(names.items()):
        points = numbers(blocks[key], "Vertices").reshape(-1, 3) + places.get(name, 0.0)
        indices = numbers(blocks[key], "PolygonVertexIndex").astype(int)
        ends = np.flatnonzero(indices < 0)
        starts.append(np.r_[0, ends[:-1] + 1] + sum(map(len, corners)))
        corners.append(np.where(indices < 0, -indices - 1, indices) + sum(map(len, vertices)))
        owners.append(np.full(len(points), number))
        vertices.append(points)
    mesh = TargetMesh(
        np.concatenate(vertices),
        np.concatenate(corners),
        np.concatenate(starts),
        np.concatenate(owners),
        tuple(names),
    )
    head = mesh.object_of_vertex == list(names).index("head")
    first = int(np.flatnonzero(head)[0])
    truth = np.zeros((52, len(head), 3))
    for block in blocks.values():
        if (shape := re.search(r"Geometry::(\w+)\", \"Shape\"", block[:120])) is not None:
            name = shape[1].replace("_L", "Left").replace("_R", "Right")
            at = numbers(block, "Indexes").astype(int) + first
            truth[ARKIT_INDEX[name], at] = numbers(block, "Vertices").reshape(-1, 3)
    return Target("character", mesh, truth, head, 100.0)


def copied(laid: Laid) -> ndarray:
    """The peer: every vertex moves as the nearest point of the registered rig."""
    model, target = laid.model, laid.target
    skin = model.triangles[model.region_mask("skin")[model.triangles].all(axis=1)]
    found = closest_points(target.vertices, laid.settled, skin)
    shapes = model.expression_deltas[:, skin[found.triangle]]
    moved = np.einsum("vk,evkd->evd", found.barycentrics, shapes)
    return laid.placement.turn_to_mesh(moved)[:, laid.surface.of_vertex]


def errors(made: ndarray, target: Target, shape: bool) -> dict[str, float]:
    """Key → error as a share of the true key's size."""
    moving = target.skin & (np.linalg.norm(target.truth, axis=2).max(axis=0) > 1e-4 * target.metre)
    found = {}
    for name, index in ARKIT_INDEX.items():
        true, own = target.truth[index, moving], made[index, moving]
        size = np.linalg.norm(true)
        if size < 1e-3 * target.metre:
            continue
        gain = (own * true).sum() / max((own**2).sum(), 1e-30) if shape else 1.0
        found[name] = float(np.linalg.norm(gain * own - true) / size)
    return found


def row(name: str, found: dict[str, float]) -> str:
    """Medians over all keys and those of each part."""
    parts = [np.median(list(found.values()))]
    parts += [np.median([v for k, v in found.items() if k.startswith(start)]) for start in GROUPS.values()]
    return f"{name:<34}" + "".join(f"{part:>11.2f}" for part in parts)


def lids_left(target: Target, made: ndarray) -> str:
    """The median opening that eyeBlink leaves, as a share of the neutral one; where it can be told."""
    if target.model is None:
        return ""
    left = []
    for lids, side in zip(find_eyelids(target.model), ("Left", "Right"), strict=True):
        ball = fit_eyeball(target.mesh.vertices[lids.eyeball])
        rest = lid_gap(lids, ball, target.mesh.vertices)
        blink = lid_gap(lids, ball, target.mesh.vertices + made[ARKIT_INDEX[f"eyeBlink{side}"]])
        left.append(np.median(np.abs(blink)) / np.median(rest))
    return f"   lids {100 * max(left):.0f} %"


def picture(target: Target, made: ndarray, path: Path) -> None:
    """Eight expressions in clay."""
    hidden = np.array(["lash" in name for name in target.mesh.object_names])[target.mesh.object_of_vertex]
    triangles = target.mesh.triangles[~hidden[target.mesh.triangles].any(axis=1)]
    rest = target.mesh.vertices / target.metre
    middle = np.array([0, 0.026, 0.024]) if target.metre == 100 else np.zeros(3)
    images = []
    for expression in PICTURES:
        moved = sum(
            (value * made[ARKIT_INDEX[name]] for name, value in expression.items()), np.zeros_like(rest)
        )
        camera, rotation, translation = portrait_camera(420, 0.24, target=(0.0, -0.03, 0.04))
        shown = render_clay(
            torch.from_numpy((rest + moved / target.metre - middle).astype(np.float32)),
            torch.from_numpy(triangles),
            camera,
            rotation,
            translation,
            torch.tensor([0.3, 0.3, 0.35]),
        )
        images.append((shown.image.clamp(0, 1) * 255).byte().numpy())
    sheet = np.vstack([np.hstack(images[:4]), np.hstack(images[4:])])
    Image.fromarray(sheet).save(path)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--heads", type=int, default=2, help="random people of each model, beside its mean")
    parser.add_argument("--pictures", type=Path, help="folder for eight expressions of each target")
    options = parser.parse_args()
    models = {name: load_model(name) for name in ("anny", "ict")}
    seeds = (None, *range(options.heads))
    pairs = [
        (a, model_target(models[b], seed)) for a, b in (("anny", "ict"), ("ict", "anny")) for seed in seeds
    ]
    pairs += [(name, model_target(models[name], seed)) for name in models for seed in seeds[1:]]
    path = data_folder() / "characters" / "FaceCapHeadGeneric.fbx"
    if path.is_file():
        pairs += [("anny", character(path)), ("ict", character(path))]
    print(f"{'error / size of the true key':<34}" + "".join(f"{name:>11}" for name in ("all", *GROUPS)))
    for source, target in pairs:
        rig = model_rig(models[source])
        progress = Progress(EXPECTED_SECONDS)
        made = make_shape_keys(rig, target.mesh, None, progress).offsets.astype(np.float64)
        peer = copied(lay_on(rig, target.mesh, None, Progress(EXPECTED_SECONDS)))
        seconds = sum(progress.seconds.values())
        size = f"{len(target.mesh.vertices)} vertices, {seconds:.0f} s"
        print(f"{source} -> {target.name}   {size}{lids_left(target, made)}")
        for shape in (False, True):
            note = ", shape" if shape else ""
            print(row(f"  transferred{note}", errors(made, target, shape)))
            print(row(f"  nearest point copied{note}", errors(peer, target, shape)))
        print(row("  nothing", errors(np.zeros_like(made), target, False)), flush=True)
        if options.pictures:
            picture(target, made, options.pictures / f"{source}-{target.name.replace(' ', '-')}.png")


if __name__ == "__main__":
    main()
