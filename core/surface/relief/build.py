"""What photos show of the skin's relief, and the usual folds where they show none → maps that add up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import cv2
import numpy as np
from jaxtyping import Float, Float32
from numpy import ndarray

from core.arkit import driven
from core.retarget.wrinkles import WRINKLES
from core.surface.atlas import Atlas
from core.surface.relief.fold import Surface, draw_folds
from core.surface.relief.from_shading import PhotoRelief
from core.surface.types import ReliefMap

NEUTRAL: Final = "neutral"
"""The map that always counts."""

_USUAL = 0.75  # of the drawn depths: what a person's wrinkles are taken to be before a photo is seen
_AT_REST = 1.2e-4  # metres, usual relief of the face at rest
_FOLDED = 3.0e-4  # metres, how far a person's wrinkles differ from the usual ones
_ERROR = 1.0e-4  # metres, of a relief that a photo shows well
_AROUND = 0.012  # of the layout's side: folds lie this near to where they usually do
_FLAT = 3e-5  # metres: maps that rise and fall less are left out
_ALIKE = 0.25  # difference in strength of any wrinkle below which photos show the same expression
_RIVALRY = 6  # power that lets the best of them win
_MOST_PHOTOS = 8  # that are asked, those that show most
_ROWS = 64  # solved at a time


def build_relief(
    atlas: Atlas,
    neutral: Float32[ndarray, "vertices 3"],
    photos: Sequence[tuple[PhotoRelief | None, Mapping[str, float]]],
    seed: int = 0,
) -> dict[str, ReliefMap]:
    """Maps by name: ``neutral``, and each of :data:`core.retarget.wrinkles.WRINKLES` that folds skin.

    A photo shows the sum of the maps, each as strong as the photo's expression says. Maps that explain all
    photos with the least change from the usual are the most likely ones, texel by texel (a Gaussian prior).

    Args:
        neutral: head space, metres.
        photos: the relief of each, and its expression (ARKit name → coefficient).
        seed: another one lets folds that no photo shows wander otherwise.
    """
    usual = draw_folds(Surface.of(atlas, neutral, seed))
    names = tuple(usual)
    seen = sorted(
        ((relief, expression) for relief, expression in photos if relief is not None),
        key=lambda pair: -float(pair[0].trust.sum()),
    )[:_MOST_PHOTOS]
    prior_std = np.stack(
        [
            _AT_REST * atlas.covers("skin").astype(np.float32),
            *(_FOLDED * _near(usual[name]) for name in names),
        ]
    )
    values = np.stack([np.zeros_like(prior_std[0]), *(_USUAL * usual.pop(name) for name in names)])
    learnt = np.zeros(len(values))
    if seen:
        strengths = np.array(
            [[1.0, *(driven(WRINKLES[name].weights, expression) for name in names)] for _, expression in seen]
        )
        shown = np.stack([relief.heights for relief, _ in seen])
        trust = np.stack([relief.trust for relief, _ in seen])
        for start in range(0, atlas.size, _ROWS):
            rows = slice(start, start + _ROWS)
            learnt += _update(values[:, rows], prior_std[:, rows], strengths, shown[:, rows], trust[:, rows])
    known = np.clip(learnt / np.maximum([float((own**2).sum()) for own in prior_std], 1e-30), 0, 1)
    return {
        name: ReliefMap(heights, float(share))
        for name, heights, share in zip((NEUTRAL, *names), values, known, strict=True)
        if float(np.abs(heights).max()) > _FLAT
    }


def trust_in_relief(
    weights: Sequence[Float32[ndarray, "coarse coarse"]],
    expressions: Sequence[Mapping[str, float]],
    bare: Float32[ndarray, "coarse coarse"],
) -> list[Float32[ndarray, "coarse coarse"]]:
    """How far each photo is asked for the skin's relief, 0-1.

    Of photos with about the same expression the one that shows a place best is asked there, and hardly the
    others: photos lie a millimetre or two askew of each other, and their mean would blur what each shows.

    Args:
        weights: trust in each photo for the skin's colour.
        expressions: ARKit name → coefficient.
        bare: where light and dark may be relief, 0-1.
    """
    strengths = np.array(
        [[driven(WRINKLES[name].weights, expression) for name in WRINKLES] for expression in expressions]
    )
    trusts = []
    for weight, own in zip(weights, strengths, strict=True):
        alike = np.abs(strengths - own).max(axis=1) < _ALIKE
        best = np.maximum.reduce([other for other, same in zip(weights, alike, strict=True) if same])
        share = (weight / np.maximum(best, 1e-6)) ** _RIVALRY
        trusts.append((np.minimum(3 * weight, 1) * share * bare).astype(np.float32))
    return trusts


def _near(heights: Float32[ndarray, "size size"]) -> Float32[ndarray, "size size"]:
    """1 along the usual folds and between them, 0 where the skin never folds so."""
    folded = (np.abs(heights) > 0.15 * np.abs(heights).max()).astype(np.float32)
    sigma = _AROUND * len(heights)
    return np.minimum(3 * cv2.GaussianBlur(folded, (0, 0), sigma), 1)


def _update(
    values: ndarray, prior_std: ndarray, strengths: ndarray, shown: ndarray, trust: ndarray
) -> Float[ndarray, "maps"]:
    """Change the maps to what photos show, and return how much of their variance that takes away, in all.

    Args:
        values, prior_std: ``(maps, rows, columns)``, mean and standard deviation of each map's height.
        strengths: ``(photos, maps)``, of each map in each photo.
        shown, trust: ``(photos, rows, columns)``.
    """
    # heights h ~ N(m, V), photos y = S h + e: h += V Sᵀ (S V Sᵀ + E)⁻¹ (y - S m)
    touched = (trust > 0.02).any(axis=0)
    if not touched.any():
        return np.zeros(len(values))
    variance = prior_std[:, touched].T.astype(np.float64) ** 2  # texels, maps
    error = _ERROR**2 / np.maximum(trust[:, touched].T, 1e-4)
    expected = np.einsum("pm,mt->tp", strengths, values[:, touched])
    covariance = np.einsum("pm,tm,qm->tpq", strengths, variance, strengths)
    covariance[:, np.arange(len(strengths)), np.arange(len(strengths))] += error
    sides = np.concatenate(
        [
            (shown[:, touched].T - expected)[..., None],
            np.broadcast_to(strengths, (len(error), *strengths.shape)),
        ],
        axis=2,
    )
    solved = np.linalg.solve(covariance, sides)
    values[:, touched] += ((solved[..., 0] @ strengths) * variance).T
    return (np.einsum("tpm,pm->tm", solved[..., 1:], strengths) * variance**2).sum(axis=0)
