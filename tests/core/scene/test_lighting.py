"""Spherical-harmonics light."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.autograd import gradcheck

from core.scene.lighting import (
    ambient_light,
    directional_light,
    fit_lighting,
    harmonics,
    random_lighting,
    shade,
)


def sphere(count: int) -> np.ndarray:
    """Evenly spread unit vectors (a Fibonacci lattice)."""
    z = 1 - (2 * np.arange(count) + 1) / count
    around = np.pi * (1 + 5**0.5) * np.arange(count)
    radius = np.sqrt(1 - z * z)
    return np.stack([radius * np.cos(around), radius * np.sin(around), z], axis=1)


def towards_camera(rng: np.random.Generator, count: int) -> np.ndarray:
    normals = sphere(4 * count)
    return rng.permutation(normals[normals[:, 2] < -0.2])[:count]


def test_harmonics_are_orthonormal() -> None:
    # Quadrature in z (Gauss) and azimuth (uniform) is exact for products of degree 4.
    z, weight = np.polynomial.legendre.leggauss(6)
    azimuth = np.arange(12) * np.pi / 6
    z, azimuth = (grid.ravel() for grid in np.meshgrid(z, azimuth))
    radius = np.sqrt(1 - z * z)
    normals = np.stack([radius * np.cos(azimuth), radius * np.sin(azimuth), z], axis=1)
    basis = harmonics(torch.from_numpy(normals)).numpy()
    gram = basis.T @ (np.tile(weight, 12)[:, None] * np.pi / 6 * basis)
    assert np.allclose(gram, np.eye(9), atol=1e-12)


def test_ambient_light_is_the_same_from_all_sides() -> None:
    sh = torch.from_numpy(ambient_light(np.array([0.2, 0.5, 0.9])))
    assert torch.allclose(shade(torch.from_numpy(sphere(50)), sh), torch.tensor([0.2, 0.5, 0.9]).double())


def test_directional_light_approximates_a_clamped_cosine() -> None:
    towards = np.array([0.3, -0.8, -0.5]) * 4
    normals = sphere(2000)
    shading = shade(torch.from_numpy(normals), torch.from_numpy(directional_light(towards, np.ones(3))))
    cosine = np.maximum(normals @ towards / np.linalg.norm(towards), 0)
    # Three bands keep over 99 % of a clamped cosine's energy.
    assert np.mean((shading[:, 0].numpy() - cosine) ** 2) < 0.01 * np.mean(cosine**2)


@given(st.integers(0, 10_000))
def test_random_light_is_plausible(seed: int) -> None:
    sh = torch.from_numpy(random_lighting(np.random.default_rng(seed)))
    frontal = shade(torch.tensor([0.0, 0.0, -1.0], dtype=torch.float64), sh)
    assert 0.69 < float(frontal.mean()) < 1.01
    assert float(shade(torch.from_numpy(sphere(300)), sh).min()) > 0.05  # no black, no negative light


def test_shading_gradients_match_finite_differences() -> None:
    normals = torch.from_numpy(sphere(7)).requires_grad_()
    sh = torch.randn(9, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1)).requires_grad_()
    assert gradcheck(shade, [normals, sh])


def samples(seed: int, count: int = 2000) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Light, albedo, normals and the colours they make."""
    rng = np.random.default_rng(seed)
    normals = towards_camera(rng, count)
    albedo = np.array([0.7, 0.5, 0.4]) * rng.uniform(0.5, 1.2, (len(normals), 1))
    light = random_lighting(rng)
    colours = albedo * shade(torch.from_numpy(normals), torch.from_numpy(light)).numpy()
    return light, albedo, normals, colours


def shading_error(light: np.ndarray, estimate: np.ndarray, normals: np.ndarray) -> float:
    difference = shade(torch.from_numpy(normals), torch.from_numpy(estimate - light))
    return float(difference.abs().mean())


@pytest.mark.parametrize("seed", range(5))
def test_fit_recovers_clean_light(seed: int) -> None:
    light, albedo, normals, colours = samples(seed)
    assert shading_error(light, fit_lighting(colours, albedo, normals), normals) < 0.003


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("where", ["anywhere", "one side"])
def test_fit_resists_a_fifth_of_outliers_where_least_squares_fails(seed: int, where: str) -> None:
    light, albedo, normals, colours = samples(seed)
    rng = np.random.default_rng(seed + 100)
    colours = colours + rng.normal(0, 0.01, colours.shape)
    # Dark strands of hair: over the whole face, or over half of the samples that face up and left.
    side = np.argsort(normals @ np.array([-0.7, -0.7, 0.1]))[-2 * len(normals) // 5 :]
    outlying = rng.permutation(len(normals) if where == "anywhere" else side)[: len(normals) // 5]
    colours[outlying] = rng.uniform(0.0, 0.15, (len(outlying), 3))
    robust = shading_error(light, fit_lighting(colours, albedo, normals), normals)
    plain = shading_error(light, fit_lighting(colours, albedo, normals, iterations=0), normals)
    assert robust < 0.01
    assert robust < 0.15 * plain


def test_fit_ignores_samples_of_no_weight_and_survives_none() -> None:
    light, albedo, normals, colours = samples(3)
    weights = np.ones(len(colours))
    weights[:900] = 0
    colours[:900] = 5.0
    assert shading_error(light, fit_lighting(colours, albedo, normals, weights), normals[900:]) < 0.003
    assert np.all(fit_lighting(colours, albedo, normals, np.zeros(len(colours))) == 0)
    assert np.all(np.isfinite(fit_lighting(colours[:2], albedo[:2] * 0, normals[:2])))
