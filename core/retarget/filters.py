"""Smoothing that removes jitter and keeps blinks, plosives and fast shakes.

Offline, :func:`smooth` looks both ways and chooses the width of its window for every sample: wide where the
performer holds still, a single frame at the top of a blink. Live, :class:`OneEuro` looks back only.
``tests/benchmarks/smoothing.py`` compares candidates by figures.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Final

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.ndimage import gaussian_filter1d, minimum_filter1d

SCALES: Final = (0.03, 0.05, 0.08, 0.13, 0.21)  # seconds; standard deviations of the windows
_REACH: Final = 2.5  # standard deviations at which a window is cut off
_THRESHOLD: Final = 1.4  # half the width of the confidence intervals, in standard deviations
_EASING: Final = 1.2  # frames over which the width changes
_BLOCK: Final = 16  # channels at a time, which bounds the memory of half an hour
_GAUSSIAN_MAD: Final = 0.6745  # median absolute deviation of a normal distribution of unit variance


def noise_level(
    times: Float[ndarray, "frames"], values: Float[ndarray, "frames channels"], breaks: Iterable[int] = ()
) -> Float[ndarray, "channels"]:
    """Standard deviation of each channel's jitter: the median distance of a sample from its neighbours' line.

    Movements that take less than half of the time hardly count.

    Args:
        times: seconds, increasing.
        breaks: frames at which a new shot begins.
    """
    distances = [np.zeros((0, values.shape[1]))]
    for first, end in _spans(len(values), breaks):
        if end - first > 2:
            before, after = np.diff(times[first : end - 1]), np.diff(times[first + 1 : end])
            share = (before / (before + after))[:, None]  # of the later neighbour in the line
            shot = values[first:end]
            line = (1 - share) * shot[:-2] + share * shot[2:]
            distances.append((shot[1:-1] - line) / np.sqrt(1 + share**2 + (1 - share) ** 2))
    together = np.abs(np.concatenate(distances))
    return np.median(together, axis=0) / _GAUSSIAN_MAD if len(together) else np.zeros(values.shape[1])


def smooth(
    times: Float[ndarray, "frames"],
    values: Float[ndarray, "frames channels"],
    strength: float = 1.0,
    breaks: Iterable[int] = (),
) -> Float[ndarray, "frames channels"]:
    """Two-sided adaptive smoothing of irregular samples.

    Each sample is replaced by the value of a parabola fitted to its neighbours under a Gaussian window. Of
    several windows the widest is taken whose answer agrees with those of all narrower ones, within the noise:
    the intersection of confidence intervals (Katkovnik, "A new method for varying adaptive bandwidth
    selection", IEEE Trans. Signal Processing 47, 1999). The noise is measured on the channel itself.

    Args:
        times: seconds, increasing.
        strength: 0 changes nothing, 1 is right for jitter as it is measured; more trusts the samples less.
        breaks: frames at which a new shot begins; nothing is smoothed across them.
    """
    values = np.asarray(values, np.float64)
    if strength <= 0:
        return values.copy()
    cuts = list(breaks)
    deviation = strength * noise_level(times, values, cuts)
    result = np.empty_like(values)
    for first, end in _spans(len(values), cuts):
        result[first:end] = _smooth_shot(times[first:end], values[first:end], deviation)
    return result


def smooth_rotations(
    times: Float[ndarray, "frames"],
    rotations: Float[ndarray, "frames 3 3"],
    strength: float = 1.0,
    breaks: Iterable[int] = (),
) -> Float[ndarray, "frames 3 3"]:
    """:func:`smooth` for rotations: their first two columns are smoothed and made orthonormal again."""
    columns = np.asarray(rotations, np.float64)[:, :, :2].reshape(-1, 6)
    first, second = np.moveaxis(smooth(times, columns, strength, breaks).reshape(-1, 3, 2), 2, 0)
    first = first / np.linalg.norm(first, axis=1, keepdims=True)
    second = second - first * np.sum(first * second, axis=1, keepdims=True)
    second = second / np.linalg.norm(second, axis=1, keepdims=True)
    return np.stack([first, second, np.cross(first, second)], axis=2)


def _spans(frames: int, breaks: Iterable[int]) -> Iterator[tuple[int, int]]:
    yield from pairwise(sorted({0, frames, *(cut for cut in breaks if 0 < cut < frames)}))


def _smooth_shot(
    times: Float[ndarray, "frames"],
    values: Float[ndarray, "frames channels"],
    deviation: Float[ndarray, "channels"],
) -> Float[ndarray, "frames channels"]:
    """Smooth one shot, given the standard deviation of each channel's noise."""
    windows = [fit for fit in (_fit_weights(times, scale) for scale in SCALES) if fit.shape[1] > 1]
    result = np.empty_like(values)
    for first in range(0, values.shape[1], _BLOCK):
        block = slice(first, first + _BLOCK)
        answers = [values[:, block], *(_windowed(values[:, block], weights) for weights in windows)]
        width = _agreed_width(answers, windows, deviation[block])
        result[:, block] = sum(
            np.maximum(0.0, 1.0 - np.abs(width - step)) * answer for step, answer in enumerate(answers)
        )
    return result


def _agreed_width(
    answers: list[Float[ndarray, "frames channels"]],
    windows: list[Float[ndarray, "frames _"]],
    deviation: Float[ndarray, "channels"],
) -> Float[ndarray, "frames channels"]:
    """How many windows agree at each sample; fractions between two windows blend their answers.

    The plain count jumps from frame to frame and shakes the result anew. It is lowered to the least of the
    neighbours', so that an edge is not smeared from the side, and then eased.
    """
    low, high = answers[0] - _THRESHOLD * deviation, answers[0] + _THRESHOLD * deviation
    agreeing = np.ones(low.shape, bool)
    count = np.zeros(low.shape)
    for answer, weights in zip(answers[1:], windows, strict=True):
        margin = _THRESHOLD * np.sqrt(np.square(weights).sum(axis=1))[:, None] * deviation
        low, high = np.maximum(low, answer - margin), np.minimum(high, answer + margin)
        agreeing &= low <= high
        count += agreeing
    return gaussian_filter1d(minimum_filter1d(count, 3, axis=0), _EASING, axis=0, mode="nearest")


def _fit_weights(times: Float[ndarray, "frames"], scale: float) -> Float[ndarray, "frames window"]:
    """Weights of the neighbours, the sample in the middle, in the fitted parabola's value at each sample.

    Near the ends, where a parabola would follow the noise, and where too few neighbours are in the window,
    the fit has fewer terms.
    """
    frames = len(times)
    step = np.median(np.diff(times)) if frames > 1 else 1.0
    reach = min(int(_REACH * scale / step), frames - 1)
    if reach == 0:
        return np.ones((frames, 1))
    offsets = np.arange(-reach, reach + 1)
    index = np.arange(frames)[:, None] + offsets
    inside = (index >= 0) & (index < frames)
    apart = (times[np.clip(index, 0, frames - 1)] - times[:, None]) / scale
    window = np.exp(-0.5 * apart**2) * (inside & (np.abs(apart) <= _REACH))
    powers = apart[..., None] ** np.arange(3)
    moments = np.einsum("fw,fwi,fwj->fij", window, powers, powers)
    # A little stiffness on slope and bend: it matters only where the samples say nothing about them.
    before, after = (window * (offsets < 0)).sum(1), (window * (offsets > 0)).sum(1)
    one_sided = np.abs(before - after) / np.maximum(before + after, 1e-9)
    moments[:, 1, 1] += 1e-6 + one_sided
    moments[:, 2, 2] += 1e-6 + 10.0 * one_sided
    solved = np.linalg.solve(moments, np.broadcast_to(np.eye(3)[:, :1], (frames, 3, 1)))[..., 0]
    weights = window * np.einsum("fwi,fi->fw", powers, solved)
    return weights / weights.sum(axis=1, keepdims=True)


def _windowed(
    values: Float[ndarray, "frames channels"], weights: Float[ndarray, "frames window"]
) -> Float[ndarray, "frames channels"]:
    frames, reach = len(values), weights.shape[1] // 2
    total = np.zeros_like(values)
    for column, offset in enumerate(range(-reach, reach + 1)):
        first, end = max(0, -offset), min(frames, frames - offset)
        total[first:end] += weights[first:end, column, None] * values[first + offset : end + offset]
    return total


class OneEuro:
    """Causal smoothing for live use: a low-pass filter that opens up with speed.

    Casiez, Roussel and Vogel, "1 € Filter", CHI 2012. Call it once a frame.
    """

    def __init__(self, cutoff: float = 2.0, speed: float = 20.0, speed_cutoff: float = 3.0) -> None:
        """
        Args:
            cutoff: Hz at rest; lower is smoother.
            speed: how much each unit a second of movement adds to the cut-off, Hz; higher lags less.
            speed_cutoff: Hz of the filter on the speed itself.
        """
        self.cutoff, self.speed, self.speed_cutoff = cutoff, speed, speed_cutoff
        self._time = 0.0
        self._value: Float[ndarray, "channels"] | None = None
        self._slope: Float[ndarray, "channels"] = np.zeros(0)

    def __call__(self, time: float, values: Float[ndarray, "channels"]) -> Float[ndarray, "channels"]:
        """The smoothed values of a frame; a frame that is not later than the last starts afresh."""
        step = time - self._time
        if self._value is None or step <= 0:
            self._value, self._slope = np.array(values, np.float64), np.zeros(len(values))
        else:
            slope = (values - self._value) / step
            self._slope = self._slope + _share(self.speed_cutoff, step) * (slope - self._slope)
            cutoff = self.cutoff + self.speed * np.abs(self._slope)
            self._value = self._value + _share(cutoff, step) * (values - self._value)
        self._time = time
        return self._value.copy()


def _share(cutoff: float | Float[ndarray, "channels"], step: float) -> float | Float[ndarray, "channels"]:
    """Share of the new sample in a first-order low-pass filter."""
    return 1.0 / (1.0 + 1.0 / (2.0 * np.pi * cutoff * step))
