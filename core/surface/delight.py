"""Light taken out of photos, and one skin tone for all of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from jaxtyping import Float, Float32
from numpy import ndarray

from core.images import sample_image
from core.scene.lighting import ambient_light, fit_lighting, shade
from core.scene.rasterise import rasterise
from core.scene.shading import LUMINANCE, visible_vertices
from core.surface.view import View

_DARKEST = 0.4  # shading below this, as a fraction of the lit side's, is not divided out in full
_TINT = 0.12  # the light's colour may change this much (log) over one face
_SAMPLES_NEEDED = 60
# Skin reflects red more than green more than blue, darker skin the more so: log luminance, and usual
# log(red / green) and log(blue / green) of linear albedo there.
_SKIN_LEVELS = np.log([0.05, 0.10, 0.28, 0.48])
_SKIN_RED, _SKIN_BLUE = np.array([0.95, 0.90, 0.62, 0.48]), np.array([-0.65, -0.62, -0.46, -0.36])
_SKIN_RATIO_SPREAD = 0.18
_REFLECTANCE_RANGE = (0.045, 0.46)  # luminance of the darkest and the lightest skin
_EXPOSURE = 0.85  # photographers expose the lit side of a face a little above its reflectance
_CALM = 0.02  # weight, against all samples, of even light from everywhere: it calms sides that no skin shows


@dataclass(frozen=True)
class Light:
    """The light of one photo.

    Attributes:
        shading: light at each vertex relative to the lit side of the face, per channel, never near 0.
        level: its luminance before it was kept from 0, for telling deep shadow.
        tone: linear colour of clean skin on the lit side.
        exposure: how much brighter the photo should have been.
        gain: takes the photo's colours to the tone that all photos share; see :func:`agree_on_tone`.
        sh: the light that a matt surface reflects, camera axes; its course over the face counts.
    """

    shading: Float32[ndarray, "vertices 3"]
    level: Float32[ndarray, "vertices"]
    tone: Float[ndarray, "3"]
    exposure: float
    gain: Float[ndarray, "3"]
    sh: Float[ndarray, "9 3"]


def estimate_light(
    view: View,
    triangles: ndarray,
    clean_skin: Float32[ndarray, "vertices"],
    forehead: Float32[ndarray, "vertices"],
    sh: Float[ndarray, "9 3"] | None,
) -> Light:
    """Light of a photo from its skin (INORig eq. 11 with an albedo that is one tone), or from ``sh``.

    Args:
        clean_skin: of each vertex, how much it should look like plain skin (lips, brows, mouth: 0).
        forehead: of each vertex, how far hair may hang over it.
        sh: light that the fit found; only its course over the face is used, not its level.
    """
    weights = clean_skin * _seen_skin(view, triangles)
    use = weights > 0.05
    colours = _blurred_colours(view)
    if use.sum() < _SAMPLES_NEEDED:  # nothing to measure light on: call it even
        tone = np.median(colours[use] if use.any() else view.image.reshape(-1, 3), axis=0)
        even, flat = np.ones_like(view.vertices), ambient_light(np.ones(3))
        return Light(even, even[:, 0], np.maximum(tone, 1e-3).astype(np.float64), 1.0, np.ones(3), flat)
    if sh is None:
        core = weights * (1 - forehead)
        first = core if (core > 0.05).sum() >= _SAMPLES_NEEDED else weights
        sh = _skin_light(colours, view.normals, first)
        # hair that passes for skin lies on the forehead, and is darker than the light on it explains
        expected = shade(torch.from_numpy(view.normals.astype(np.float64)), torch.from_numpy(sh)).numpy()
        dark = np.log(np.maximum(colours @ LUMINANCE, 1e-4) / np.maximum(expected @ LUMINANCE, 1e-4))
        weights = weights * np.where(first > 0.05, 1.0, np.clip((dark + 0.4) / 0.2, 0, 1))
        sh = _skin_light(colours, view.normals, weights)
        use = weights > 0.05
    light = shade(torch.from_numpy(view.normals.astype(np.float64)), torch.from_numpy(sh)).numpy()
    # the lit side: the brightest two fifths of what the camera sees
    bright = light[use] @ LUMINANCE
    lit = bright >= np.quantile(bright, 0.6)
    reference = np.maximum(np.median(light[use][lit], axis=0), 1e-6)
    relative = light / reference
    shading = _tamed(relative)
    ratio = colours[use] / shading[use]
    lower = weights[use] * (1 - 0.8 * forehead[use])
    tone = np.maximum(_weighted_median(ratio, lower), 1e-3)
    level = (relative @ LUMINANCE).astype(np.float32)
    return Light(shading.astype(np.float32), level, tone, _exposure_missing(view), np.ones(3), sh)


def agree_on_tone(
    lights: list[Light], trust: Float[ndarray, "photos"]
) -> tuple[list[Light], Float[ndarray, "3"]]:
    """One plausible skin tone (linear albedo), and for each photo the gain that takes its skin there.

    The chroma is drawn to what human skin shows; a grey photo stays grey.
    """
    tones = np.log(np.stack([light.tone * light.exposure for light in lights]))
    share = np.maximum(np.asarray(trust, float), 1e-6)
    common = np.exp((share[:, None] * tones).sum(axis=0) / share.sum())
    tone = plausible_tone(common)
    return [replace(light, gain=tone / light.tone) for light in lights], tone


def plausible_tone(colour: Float[ndarray, "3"]) -> Float[ndarray, "3"]:
    """The skin reflectance that most likely shows as ``colour`` on the lit side of a well exposed photo."""
    low, high = _REFLECTANCE_RANGE
    level = float(np.clip(_EXPOSURE * float(colour @ LUMINANCE), low, high))
    ratios = np.log(colour[[0, 2]] / colour[1])
    if np.abs(ratios).max() > 0.02:
        usual = np.array([np.interp(np.log(level), _SKIN_LEVELS, r) for r in (_SKIN_RED, _SKIN_BLUE)])
        ratios = usual + _SKIN_RATIO_SPREAD * np.tanh((ratios - usual) / _SKIN_RATIO_SPREAD)
    tone = np.array([np.exp(ratios[0]), 1.0, np.exp(ratios[1])])
    return tone * level / float(tone @ LUMINANCE)


def _skin_light(
    colours: Float[ndarray, "vertices 3"],
    normals: Float32[ndarray, "vertices 3"],
    weights: Float[ndarray, "vertices"],
) -> Float[ndarray, "9 3"]:
    """Light on a surface of albedo 1 that explains the weighted colours."""
    use = weights > 0.05
    level = np.maximum(np.median(colours[use], axis=0), 1e-3)
    sphere = _even_directions(200)
    seen = np.concatenate([colours[use] / level, np.full((len(sphere), 3), 0.85)])
    share = np.full(len(sphere), _CALM * weights[use].sum() / len(sphere))
    sh = fit_lighting(
        0.5 * seen,
        np.full_like(seen, 0.5),
        np.concatenate([normals[use], sphere]),
        np.concatenate([weights[use], share]),
        ridge=1e-3,
        epsilon=2e-2,
    )
    return sh * level


def _tamed(light: Float[ndarray, "vertices 3"]) -> Float[ndarray, "vertices 3"]:
    """Shading whose dark side keeps above a floor and whose colour varies little."""
    level = light @ LUMINANCE
    sharp = 12.0
    floored = _DARKEST + np.logaddexp(0, sharp * (level - _DARKEST)) / sharp
    floored = np.minimum(floored, 1.6)
    tint = np.log(np.maximum(light, 1e-3) / np.maximum(level, 1e-3)[:, None])
    return floored[:, None] * np.exp(_TINT * np.tanh(tint / _TINT))


def _blurred_colours(view: View) -> Float[ndarray, "vertices 3"]:
    """Colours at the vertices, averaged over about 3 mm so that pores and noise do not count."""
    sigma = max(0.5, 1.5e-3 * view.pixels_per_metre)
    step = max(1, int(sigma))
    small = cv2.resize(view.image, None, fx=1 / step, fy=1 / step, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma / step)
    scale = np.array([small.shape[1] / view.image.shape[1], small.shape[0] / view.image.shape[0]])
    return sample_image(small, view.pixels * scale).astype(np.float64)


def _seen_skin(view: View, triangles: ndarray) -> Float[ndarray, "vertices"]:
    vertices, normals = torch.from_numpy(view.vertices), torch.from_numpy(view.normals)
    fragments = rasterise(vertices, torch.from_numpy(triangles), view.camera)
    seen = visible_vertices(fragments, vertices, normals, view.camera, minimum_cosine=0.2).numpy()
    skin = sample_image(view.skin * view.person * (1 - view.opening), view.pixels)
    return seen * skin


def _weighted_median(values: Float[ndarray, "n 3"], weights: Float[ndarray, "n"]) -> Float[ndarray, "3"]:
    order = np.argsort(values, axis=0)
    cumulative = np.cumsum(weights[order], axis=0)
    middle = (cumulative >= 0.5 * cumulative[-1]).argmax(axis=0)
    return np.take_along_axis(values, order, axis=0)[middle, np.arange(3)]


def _exposure_missing(view: View) -> float:
    """How much brighter the photo should have been, judged by its brightest parts; 1 where well exposed."""
    brightest = float(np.percentile(view.image[::4, ::4] @ LUMINANCE.astype(np.float32), 99))
    return float(np.clip((0.7 / max(brightest, 1e-3)) ** 0.5, 1.0, 1.6))


def _even_directions(count: int) -> Float[ndarray, "count 3"]:
    """Unit vectors spread evenly over the sphere (a Fibonacci spiral)."""
    k = np.arange(count) + 0.5
    z, turn = 1 - 2 * k / count, np.pi * (1 + 5**0.5) * k
    r = np.sqrt(1 - z * z)
    return np.stack([r * np.cos(turn), r * np.sin(turn), z], axis=1)
