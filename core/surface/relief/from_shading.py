"""Relief that one photo shows: heights of the skin whose shading explains its fine light and dark.

Shading from the light that is known already (DECA's detail photometric loss, eq. 10 to 12, solved for heights
instead of learned), with what concave skin keeps from itself besides: the darker, the deeper (Beeler et al.
2010, "High-quality single-shot capture of facial geometry").
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from jaxtyping import Float, Float32
from numpy import ndarray
from scipy.fft import fftfreq, irfft2, next_fast_len, rfft2, rfftfreq
from torch import Tensor

from core.scene.lighting import shade
from core.surface.atlas import Atlas
from core.surface.delight import Light
from core.surface.view import View, sample_photo

_BROAD = 4.5e-3  # metres: light and dark wider than this is the mesh's and the light's
_CONCAVE = 0.2  # how much darker (log) skin is a unit of slope deep in a fold, whatever the light
_SLOPE = 0.35  # usual slope of relief
_TINT = 6e-4  # metres: photos keep colour coarser than light
_PIGMENT_IN_RED = 0.5  # how much darker (log) red is where pigment darkens green by 1 more than red
_PIGMENT = 0.045  # usual deviation of log light that is colour of the skin, or noise
_DARKEST = 0.4  # of the lit side's light: shadows are not told to be deeper
_WIDEST = 10e-3  # metres, wave length from which relief is the flatter the longer its waves are
_MOST = 0.35  # log light beyond which something else than skin is seen
_RESOLVED = (1200.0, 2600.0)  # pixels per metre between which a photo is trusted to show relief
_EDGE = 0.006  # of the layout's side: so near the edge of what is trusted, nothing is
_MARGIN = 16  # texels, so that one side of the picture does not shade the other
_ROUNDS = 10


@dataclass(frozen=True)
class PhotoRelief:
    """What one photo shows.

    Attributes:
        heights: metres, 0 on average over some millimetres.
        shading: log of the light and dark that the heights explain.
        trust: 0 where the photo shows nothing, 1 where it shows the skin well.
    """

    heights: Float32[ndarray, "size size"]
    shading: Float32[ndarray, "size size"]
    trust: Float32[ndarray, "size size"]


def photo_relief(
    atlas: Atlas, view: View, light: Light, weight: Float32[ndarray, "coarse coarse"]
) -> PhotoRelief | None:
    """The relief of a photo; None where its pixels are too few to show any.

    Args:
        weight: trust in the photo for bare skin, 0-1, at any resolution of the layout.
    """
    low, high = _RESOLVED
    resolved = float(np.clip((view.pixels_per_metre - low) / (high - low), 0, 1))
    size = (atlas.size, atlas.size)
    trust = resolved * _inside(np.asarray(cv2.resize(weight, size, interpolation=cv2.INTER_LINEAR)))
    rows, columns = (np.flatnonzero((trust > 0.02).any(axis=axis)).tolist() for axis in (1, 0))
    if len(rows) < 16 or len(columns) < 16:
        return None
    box = (_fast_span(rows[0], rows[-1] + 1, atlas.size), _fast_span(columns[0], columns[-1] + 1, atlas.size))
    part, known = atlas.part(box), trust[box].astype(np.float32)
    points = part.paint_vertices(view.vertices)
    texel = _texel(points, known)
    smooth = _log_light(part.paint_vertices(view.normals), light.sh).numpy().astype(np.float32)
    shown: ndarray = _unpigmented(sample_photo(atlas, view)[box], texel) - smooth
    observed = _fine(shown, known, _BROAD / texel)
    # moles, hairs and edges of shadows are no wrinkles: the farther from the usual, the less they say
    known = known * np.clip(1 - (observed / _MOST) ** 2, 0, 1) ** 2
    operator = _Operator.of(points, part.paint_vertices(view.normals), light.sh, texel)
    heights = operator.solve(np.clip(observed, -_MOST, _MOST), known)
    heights = _fine(heights, known, _BROAD / texel) * known
    whole = np.zeros((3, *size), np.float32)
    for layer, values in zip(whole, (heights, operator.shading(heights), known), strict=True):
        layer[box] = values
    return PhotoRelief(*whole)


def _fast_span(start: int, stop: int, size: int) -> slice:
    """At least ``start`` to ``stop`` with a margin, of a length that Fourier transforms like."""
    length = min(next_fast_len(stop - start + 2 * _MARGIN), size)
    return slice(first := int(np.clip((start + stop - length) // 2, 0, size - length)), first + length)


def _inside(trust: Float32[ndarray, "size size"]) -> Float32[ndarray, "size size"]:
    """Trust that fades towards its own edges, for edges of masks are edges of light too."""
    radius = max(2, round(_EDGE * len(trust)))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1,) * 2)
    return np.minimum(trust, cv2.GaussianBlur(cv2.erode(trust, disc), (0, 0), 0.6 * radius))


def _unpigmented(
    colours: Float32[ndarray, "rows columns 3"], texel: float
) -> Float32[ndarray, "rows columns"]:
    """Log light on the skin, as far as colours tell it from pigment: that darkens green more than red."""
    red, green = (np.log(np.maximum(colours[..., channel], 2e-3)) for channel in (0, 1))
    tint = cv2.GaussianBlur(green - red, (0, 0), _TINT / texel)
    return red - np.float32(_PIGMENT_IN_RED) * tint


def _texel(points: Float32[ndarray, "rows columns 3"], known: Float32[ndarray, "rows columns"]) -> float:
    """Usual width of a texel, metres."""
    across = np.linalg.norm(np.diff(points, axis=1), axis=2)[known[:, 1:] > 0.5]
    return float(np.median(across)) if len(across) else 4e-4


def _fine(
    values: Float32[ndarray, "rows columns"], known: Float32[ndarray, "rows columns"], sigma: float
) -> Float32[ndarray, "rows columns"]:
    """Values less their surroundings' mean, where known."""
    share = cv2.GaussianBlur(known, (0, 0), sigma)
    broad = cv2.GaussianBlur(values * known, (0, 0), sigma) / np.maximum(share, 1e-3)
    return (values - broad) * (known > 0)


@dataclass(frozen=True)
class _Operator:
    """Heights → log light and dark, to first order.

    Attributes:
        along: change of log light per metre of height between neighbouring columns, and rows.
        number: wave number of each component of the picture's Fourier transform, 1/metre.
        variance: that waves of relief usually have, metres².
    """

    along: Float32[ndarray, "2 rows columns"]
    number: Float32[ndarray, "rows half"]
    variance: Float32[ndarray, "rows half"]

    @classmethod
    def of(cls, points: ndarray, normals: ndarray, sh: Float[ndarray, "9 3"], texel: float) -> _Operator:
        """For a surface (camera axes, metres) under a light."""
        across = np.gradient(points, axis=1).astype(np.float64)
        down = np.gradient(points, axis=0).astype(np.float64)
        aa, ad, dd = ((a * b).sum(axis=2) for a, b in ((across, across), (across, down), (down, down)))
        det = np.maximum(aa * dd - ad * ad, 0.05 * texel**4)
        slope = _change_of_log_light(_unit(normals), sh)
        dual_across = (across * dd[..., None] - down * ad[..., None]) / det[..., None]
        dual_down = (down * aa[..., None] - across * ad[..., None]) / det[..., None]
        # a height that grows along the surface turns the normal back (n' = n - grad h)
        along = np.stack([-(slope * dual).sum(axis=2) for dual in (dual_across, dual_down)])
        limit = 2.0 / texel
        rows, columns = (2 * np.pi * f / texel for f in (fftfreq(len(points)), rfftfreq(points.shape[1])))
        number = np.maximum(np.hypot(rows[:, None], columns), 1 / _BROAD)
        usual = _SLOPE * number / (number**2 + (2 * np.pi / _WIDEST) ** 2)
        parts = (np.clip(along, -limit, limit), number, usual**2)
        return cls(*(part.astype(np.float32) for part in parts))

    def shading(self, heights: Float32[ndarray, "rows columns"]) -> Float32[ndarray, "rows columns"]:
        """Log of the light and dark that heights make."""
        across = np.diff(heights, axis=1, append=heights[:, -1:])
        down = np.diff(heights, axis=0, append=heights[-1:])
        return self.along[0] * across + self.along[1] * down + _CONCAVE * _filtered(heights, self.number)

    def _transposed(self, values: ndarray) -> ndarray:
        across, down = self.along[0] * values, self.along[1] * values
        across[:, -1], down[-1] = 0, 0
        result = _CONCAVE * _filtered(values, self.number) - across - down
        result[:, 1:] += across[:, :-1]
        result[1:] += down[:-1]
        return result

    def solve(
        self, observed: Float32[ndarray, "rows columns"], known: Float32[ndarray, "rows columns"]
    ) -> Float32[ndarray, "rows columns"]:
        """The likeliest heights, given usual slopes and how far the skin's colour varies."""
        weight = known / np.float32(_PIGMENT**2)

        def normal(heights: ndarray) -> ndarray:
            unusual = _filtered(heights, 1 / self.variance)
            return self._transposed(weight * self.shading(heights)) + unusual

        target = self._transposed(weight * observed)
        return _conjugate_gradients(normal, target, lambda values: _filtered(values, self.variance))


def _filtered(values: ndarray, gain: Float32[ndarray, "rows half"]) -> ndarray:
    """Each wave of a picture times a factor of its own."""
    return irfft2(rfft2(values) * gain, s=values.shape)


def _log_light(
    normals: Float32[ndarray, "rows columns 3"] | Tensor, sh: Float[ndarray, "9 3"]
) -> Float[Tensor, "rows columns"]:
    """Log of the red light on a smooth surface; deep shadow is not as deep as told."""
    turned = normals if isinstance(normals, Tensor) else torch.from_numpy(_unit(normals))
    red = shade(turned, torch.from_numpy(sh))[..., 0]
    floor = _DARKEST * float(red.detach().max())
    return torch.log(red.clamp_min(max(floor, 1e-6)))


def _change_of_log_light(
    normals: Float[ndarray, "rows columns 3"], sh: Float[ndarray, "9 3"]
) -> Float[ndarray, "rows columns 3"]:
    """Gradient of :func:`_log_light` by the normal."""
    turned = torch.from_numpy(normals).requires_grad_()
    _log_light(turned, sh).sum().backward()
    assert turned.grad is not None
    return turned.grad.numpy()


def _unit(normals: Float32[ndarray, "rows columns 3"]) -> Float[ndarray, "rows columns 3"]:
    return normals / np.maximum(np.linalg.norm(normals, axis=2, keepdims=True), 1e-6).astype(np.float64)


def _conjugate_gradients(
    apply: Callable[[ndarray], ndarray], target: ndarray, prepared: Callable[[ndarray], ndarray]
) -> Float32[ndarray, "rows columns"]:
    solution = np.zeros_like(target)
    residual = target.copy()
    turned = prepared(residual)
    direction, product = turned.copy(), float((residual * turned).sum())
    for _ in range(_ROUNDS):
        if product <= 0:
            break
        applied = apply(direction)
        step = product / float((direction * applied).sum())
        solution += np.float32(step) * direction
        residual -= np.float32(step) * applied
        turned = prepared(residual)
        product, before = float((residual * turned).sum()), product
        direction = turned + np.float32(product / before) * direction
    return solution
