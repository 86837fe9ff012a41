"""Light as nine real spherical harmonics of the surface normal, in camera axes.

The functions are orthonormal over the sphere; with the unit normal (x right, y down, z forward) their
order and constants are::

    0: 0.282095            3: 0.488603 x           6: 0.315392 (3 z² - 1)
    1: 0.488603 y          4: 1.092548 x y         7: 1.092548 x z
    2: 0.488603 z          5: 1.092548 y z         8: 0.546274 (x² - y²)

Coefficients ``sh (9, 3)`` are of the light that a matt surface reflects (the cosine is already in them), so
colour = albedo × shade(normal, sh). A normal that faces the camera is (0, 0, -1).
"""

from __future__ import annotations

import math

import numpy as np
import torch
from jaxtyping import Float, Float32
from numpy import ndarray
from torch import Tensor

C0 = 0.5 / math.sqrt(math.pi)
C1 = math.sqrt(3 / (4 * math.pi))
C2 = 0.5 * math.sqrt(15 / math.pi)
C3 = 0.25 * math.sqrt(5 / math.pi)

# A clamped cosine max(0, n·l) weighs the three bands by these factors.
COSINE_LOBE = np.repeat([math.pi, 2 * math.pi / 3, math.pi / 4], [1, 3, 5])


def harmonics(normals: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 9"]:
    """The nine functions at unit normals in camera axes. Differentiable."""
    x, y, z = normals.unbind(-1)
    return torch.stack(
        [
            torch.full_like(x, C0),
            C1 * y,
            C1 * z,
            C1 * x,
            C2 * x * y,
            C2 * y * z,
            C3 * (3 * z * z - 1),
            C2 * x * z,
            0.5 * C2 * (x * x - y * y),
        ],
        dim=-1,
    )


def shade(normals: Float[Tensor, "*batch 3"], sh: Float[Tensor, "9 3"]) -> Float[Tensor, "*batch 3"]:
    """Light that unit normals in camera axes receive, per colour channel; not clamped."""
    return harmonics(normals) @ sh


def ambient_light(colour: Float[ndarray, "3"]) -> Float[ndarray, "9 3"]:
    """Light that is ``colour`` from all sides."""
    sh = np.zeros((9, 3))
    sh[0] = colour / C0
    return sh


def directional_light(towards: Float[ndarray, "3"], colour: Float[ndarray, "3"]) -> Float[ndarray, "9 3"]:
    """A distant light in direction ``towards`` (camera axes): about ``colour × max(0, normal · towards)``."""
    direction = torch.from_numpy(np.asarray(towards, np.float64) / np.linalg.norm(towards))
    return COSINE_LOBE[:, None] * harmonics(direction).numpy()[:, None] * colour


def random_lighting(rng: np.random.Generator) -> Float[ndarray, "9 3"]:
    """Plausible light of a portrait: a tinted ambient part and one to three lights, mostly from above.

    Scaled so that a surface facing the camera receives 0.7–1.0.
    """
    sh = ambient_light(rng.uniform(0.4, 0.6) * (1 + rng.uniform(-0.08, 0.08, 3)))
    for _ in range(rng.integers(1, 4)):
        azimuth, elevation = rng.uniform(-1.3, 1.3), rng.uniform(-0.2, 1.1)
        towards = np.array(
            [
                math.sin(azimuth) * math.cos(elevation),
                -math.sin(elevation),
                -math.cos(azimuth) * math.cos(elevation),
            ]
        )
        sh += directional_light(towards, rng.uniform(0.15, 0.5) * (1 + rng.uniform(-0.12, 0.12, 3)))
    frontal = harmonics(torch.tensor([0.0, 0.0, -1.0], dtype=torch.float64)).numpy() @ sh
    return sh * rng.uniform(0.7, 1.0) / frontal.mean()


def fit_lighting(
    colours: Float[ndarray, "samples 3"],
    albedo: Float[ndarray, "samples 3"],
    normals: Float[ndarray, "samples 3"],
    weights: Float[ndarray, "samples"] | None = None,
    *,
    iterations: int = 10,
    ridge: float = 1e-4,
    epsilon: float = 5e-3,
) -> Float[ndarray, "9 3"]:
    """Light that explains observed colours, robust to outliers (INORig eq. 11).

    Iteratively reweighted least squares for an l_0.5 norm: each sample weighs
    ``albedo^-0.5 · |colour - predicted|^-1.5``, where the dark count more than they would by themselves and
    occluders, highlights and hair count little. Starts from plain weighted least squares. Outliers that
    fill a whole range of normals by themselves cannot be told from light.

    Args:
        colours: observed, in [0, 1].
        albedo: of the same samples and in the same colour space.
        normals: unit, in camera axes.
        weights: of each sample, e.g. visibility; 1 where not given.
        ridge: pull of the coefficients to 0, relative to the mean diagonal of the normal equations; it
            holds the functions that a one-sided view leaves undetermined.
        epsilon: residual below which weights stop growing.

    Returns:
        sh, in the order of :func:`harmonics`; all 0 when there is no sample of positive weight.
    """
    given = np.ones(len(colours)) if weights is None else np.asarray(weights, np.float64)
    observed = np.asarray(colours, np.float64)
    reflectance = np.asarray(albedo, np.float64)
    basis = harmonics(torch.from_numpy(np.asarray(normals, np.float64))).numpy()
    base_weight = given * np.maximum(reflectance.mean(1), 1e-2) ** -0.5
    design = reflectance.T[:, :, None] * basis  # channel, sample, function

    sh = np.zeros((9, 3))
    if not np.any(base_weight > 0):
        return sh
    weight = base_weight
    for _ in range(iterations + 1):
        weighted = design * weight[:, None]
        normal_matrix = weighted.transpose(0, 2, 1) @ design
        right_side = np.einsum("csf,sc->cf", weighted, observed)
        damping = ridge * np.trace(normal_matrix, axis1=1, axis2=2) / 9 + 1e-12
        system = normal_matrix + damping[:, None, None] * np.eye(9)
        sh = np.linalg.solve(system, right_side[:, :, None])[:, :, 0].T
        residual = np.linalg.norm(observed - reflectance * (basis @ sh), axis=1)
        weight = base_weight * np.maximum(residual, epsilon) ** -1.5
    return sh


def turned_light(sh: Float[ndarray, "9 3"], angle: float) -> Float32[ndarray, "9 3"]:
    """Light seen by a camera that a crop turned clockwise by ``angle`` has turned about its axis.

    Exact: functions of x and y turn like the plane, those of xy and x² - y² twice as far.
    """
    turned = np.array(sh, np.float32)
    for a, b, times in ((3, 1, 1), (7, 5, 1), (8, 4, 2)):
        c, s = np.cos(times * angle), np.sin(times * angle)
        turned[a], turned[b] = c * sh[a] + s * sh[b], c * sh[b] - s * sh[a]
    return turned
