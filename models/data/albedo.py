"""A linear basis of skins: colours of a model's vertices from few numbers, learnt from the painted skins.

    python -m models.data.albedo --model anny

prints how much of the skins' variance so many modes keep.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import numpy as np
import typer
from jaxtyping import Float, Float32
from numpy import ndarray

from core.cache import cache_folder, write_atomically
from core.errors import OutputFailed
from core.face_model.model import FaceModel
from core.face_model.registry import load_model
from models.data.skin_recipe import SkinRecipe
from models.data.textures import TexturePainter

MODES: Final = 48
SAMPLES: Final = 400
_VERSION: Final = 2  # raised when skins are painted differently
_SEED: Final = 20_260


@dataclass(frozen=True)
class AlbedoBasis:
    """Whitened principal components of linear RGB at the vertices.

    The skins that it is learnt from were given their mirror images too, so each mode is symmetric or
    antisymmetric, and a mirrored skin has the same coefficients but for signs.

    Attributes:
        mean: linear RGB of each vertex.
        modes: what one standard deviation of each coefficient adds.
        kept: fraction of the samples' variance that the first modes keep, up to each mode.
        mirrored: factor of each coefficient (1 or -1) that mirrors the skin.
    """

    mean: Float32[ndarray, "vertices 3"]
    modes: Float32[ndarray, "modes vertices 3"]
    kept: Float32[ndarray, "modes"]
    mirrored: Float32[ndarray, "modes"]

    def encode(self, albedo: Float[ndarray, "vertices 3"]) -> Float32[ndarray, "modes"]:
        """Coefficients of the nearest skin in the basis."""
        flat = self.modes.reshape(len(self.modes), -1)
        return (flat @ (albedo - self.mean).ravel() / np.square(flat).sum(axis=1)).astype(np.float32)

    def decode(self, coefficients: Float[ndarray, "modes"]) -> Float32[ndarray, "vertices 3"]:
        """Linear RGB of every vertex; outside [0, 1] where coefficients are extreme."""
        return self.mean + np.tensordot(coefficients, self.modes, axes=1).astype(np.float32)


def learn_albedo(painter: TexturePainter, samples: int = SAMPLES, modes: int = MODES) -> AlbedoBasis:
    """The basis of so many random skins and their mirror images; the same every time."""
    model = painter.model
    rng = np.random.default_rng(_SEED)
    skins = np.stack([painter.vertex_albedo(SkinRecipe.draw(rng)) for _ in range(samples)])
    # even and odd parts under mirroring span the skins and their mirror images
    twins = skins[:, model.mirror]
    even, odd = (skins + twins) / 2, (skins - twins) / 2
    mean = even.mean(axis=0)
    parts = [_components(part.reshape(samples, -1), modes) for part in (even - mean, odd)]
    variance = np.concatenate([values for values, _ in parts])
    vectors = np.concatenate([found for _, found in parts])
    sign = np.repeat([1.0, -1.0], [len(values) for values, _ in parts])
    order = np.argsort(-variance, kind="stable")[:modes]
    total = float(np.square(even - mean).sum() + np.square(odd).sum()) / samples
    scaled = np.sqrt(variance[order])[:, None] * vectors[order]
    return AlbedoBasis(
        mean.astype(np.float32),
        scaled.reshape(len(order), *mean.shape).astype(np.float32),
        (np.cumsum(variance[order]) / total).astype(np.float32),
        sign[order].astype(np.float32),
    )


def _components(
    offsets: Float[ndarray, "samples values"], most: int
) -> tuple[Float[ndarray, "found"], Float[ndarray, "found values"]]:
    """Variances and unit vectors of principal components, signs fixed."""
    values, vectors = np.linalg.eigh((offsets @ offsets.T).astype(np.float64) / len(offsets))
    strongest = np.argsort(-values, kind="stable")[: min(most, len(offsets) - 1)]
    strongest = strongest[values[strongest] > 1e-9 * values.max()]
    found = vectors[:, strongest].T.astype(np.float32) @ offsets
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    found *= np.sign(found[np.arange(len(found)), np.abs(found).argmax(axis=1)])[:, None]
    return values[strongest], found


def load_albedo(model: FaceModel, painter: TexturePainter | None = None) -> AlbedoBasis:
    """The basis of a model, from the cache if it is there (else about ten seconds).

    Raises:
        OutputFailed: the cache cannot be written.
    """
    file = cache_folder() / "models" / f"albedo-{model.name}.npz"
    key = f"{_VERSION}/{model.name}/{model.vertex_count}/{SAMPLES}/{MODES}"
    kept = _read(file, key)
    if kept is not None:
        return kept
    basis = learn_albedo(painter or TexturePainter(model))
    try:
        write_atomically(file, lambda stream: np.savez(stream, key=key, **vars(basis)))
    except OSError as error:
        raise OutputFailed(
            f"The albedo basis cannot be stored at {file} ({error.strerror or error}).",
            "Free space there, or set SEMBLANCE_CACHE to a folder that can be written.",
        ) from error
    return basis


def _read(file: Path, key: str) -> AlbedoBasis | None:
    try:
        with np.load(file, allow_pickle=False) as stored:
            if str(stored["key"]) != key:
                return None
            return AlbedoBasis(stored["mean"], stored["modes"], stored["kept"], stored["mirrored"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def main(model: Annotated[str, typer.Option(help="anny or ict")] = "anny") -> None:
    """Print how much variance the modes keep."""
    basis = load_albedo(load_model(model))
    for count in (1, 2, 4, 8, 16, 32, len(basis.kept)):
        if count <= len(basis.kept):
            typer.echo(f"{model}: {count:3d} modes keep {basis.kept[count - 1]:.2%}")
    typer.echo(f"{int((basis.mirrored < 0).sum())} of them are antisymmetric")


if __name__ == "__main__":
    typer.run(main)
