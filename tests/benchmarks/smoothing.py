"""How much jitter each way of smoothing removes, and what it does to blinks, lips and fast shakes.

    python -m tests.benchmarks.smoothing

The take is the ARKit range of motion, the jitter that of MediaPipe's Face Landmarker on single frames of
real clips, measured first (robustly). Every two-sided candidate is tried at several
strengths; printed is the strongest that still keeps 97 % of blinks (mean of the peaks), so that the columns
compare what is removed at the same cost. Causal ones are printed with their lag.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks, peak_widths, savgol_filter
from skimage.restoration import denoise_tv_chambolle

from core.arkit import ARKIT_INDEX
from core.capture.video import open_video
from core.retarget import filters
from core.retarget.filters import OneEuro, noise_level, smooth
from core.retarget.keys import reduced_keys
from core.track import read_livelink
from tests.benchmarks.support.face_landmarker import blendshapes_of
from tests.benchmarks.support.reading import data_folder

CLIPS = ("liveportrait_d9", "liveportrait_d20", "videoretalking_2")
FRAMES = 120  # of each clip
BLINKS, LIPS = (
    ("eyeBlinkLeft", "eyeBlinkRight"),
    ("mouthRollUpper", "mouthPressLeft", "mouthClose", "jawOpen"),
)
SHAKE_HZ, SHAKE_SIZE = 4.0, 0.3
KEPT = 0.97

Filter = Callable[[np.ndarray, np.ndarray], np.ndarray]


def measured_noise() -> np.ndarray:
    """Jitter of each unit in the Face Landmarker's coefficients; units that never move have the median."""
    levels = []
    for clip in CLIPS:
        with open_video(data_folder() / "clips" / f"{clip}.mp4", end=FRAMES / 30) as video:
            rows = blendshapes_of(frame.pixels for frame in video)
        rows = rows[np.isfinite(rows).all(axis=1)]
        levels.append(noise_level(np.arange(float(len(rows))), rows))
    level = np.median(levels, axis=0)
    return np.where(level > 1e-4, level, np.median(level[level > 1e-4]))


def bilateral(times: np.ndarray, values: np.ndarray, spread: float, similar: float) -> np.ndarray:
    """Gaussian weights in time and in value."""
    step = np.median(np.diff(times))
    total, weight = np.zeros_like(values), np.zeros_like(values)
    padded = np.pad(values, ((60, 60), (0, 0)), mode="edge")
    for offset in range(-int(3 * spread / step), int(3 * spread / step) + 1):
        other = padded[60 + offset : 60 + offset + len(values)]
        share = np.exp(-0.5 * (offset * step / spread) ** 2 - 0.5 * ((other - values) / similar) ** 2)
        total, weight = total + share * other, weight + share
    return total / weight


def one_euro(times: np.ndarray, values: np.ndarray, cutoff: float, speed: float) -> np.ndarray:
    run = OneEuro(cutoff, speed)
    return np.array([run(time, row) for time, row in zip(times, values, strict=True)])


def both_ways(times: np.ndarray, values: np.ndarray, cutoff: float, speed: float) -> np.ndarray:
    """The mean of a filter that runs forward and one that runs backward."""
    back = one_euro(-times[::-1], values[::-1], cutoff, speed)[::-1]
    return (one_euro(times, values, cutoff, speed) + back) / 2


def kalman(times: np.ndarray, values: np.ndarray, drive: float) -> np.ndarray:
    """Rauch-Tung-Striebel smoother of position and velocity, with the measured noise."""
    step = float(np.median(np.diff(times)))
    move = np.array([[1, step], [0, 1]])
    push = drive**2 * np.array([[step**3 / 3, step**2 / 2], [step**2 / 2, step]])
    result = np.empty_like(values)
    for channel, deviation in enumerate(np.maximum(noise_level(times, values), 1e-6)):
        state, doubt = np.array([values[0, channel], 0.0]), np.eye(2)
        before, after = [], []
        for value in values[:, channel]:
            predicted, spread = move @ state, move @ doubt @ move.T + push
            before.append((predicted, spread))
            gain = spread[:, 0] / (spread[0, 0] + deviation**2)
            state = predicted + gain * (value - predicted[0])
            doubt = spread - np.outer(gain, spread[0])
            after.append((state, doubt))
        result[-1, channel] = state[0]
        for index in range(len(values) - 2, -1, -1):
            predicted, spread = before[index + 1]
            back = after[index][1] @ move.T @ np.linalg.inv(spread)
            state = after[index][0] + back @ (state - predicted)
            result[index, channel] = state[0]
    return result


def variation(times: np.ndarray, values: np.ndarray, weight: float) -> np.ndarray:
    """Total variation, each channel weighed by its noise."""
    level = np.maximum(noise_level(times, values), 1e-6)
    return np.stack(
        [denoise_tv_chambolle(v, weight * s) for v, s in zip(values.T, level, strict=True)], axis=1
    )


def odd(width: float) -> int:
    return int(width) // 2 * 2 + 1


TWO_SIDED: dict[str, tuple[Callable[..., np.ndarray], list[tuple[float, ...]]]] = {
    "Gaussian": (
        lambda t, v, frames: gaussian_filter1d(v, frames, axis=0, mode="nearest"),
        [(f,) for f in (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0, 1.3)],
    ),
    "Savitzky-Golay, order 2": (
        lambda t, v, w: savgol_filter(v, odd(w), 2, axis=0, mode="nearest"),
        [(w,) for w in (3, 5, 7)],
    ),
    "Savitzky-Golay, order 4": (
        lambda t, v, w: savgol_filter(v, odd(w), 4, axis=0, mode="nearest"),
        [(w,) for w in (7, 9, 11, 13, 15, 17)],
    ),
    "bilateral in time": (bilateral, [(s, v) for s in (0.05, 0.1, 0.2) for v in (0.02, 0.04, 0.08, 0.15)]),
    "1 euro, both ways": (
        both_ways,
        [(c, b) for c in (0.5, 1.0, 2.0) for b in (5.0, 10.0, 20.0, 40.0, 80.0)],
    ),
    "total variation": (variation, [(w,) for w in (0.5, 1.0, 2.0, 4.0, 8.0)]),
    "Kalman smoother": (kalman, [(d,) for d in (1.0, 3.0, 10.0, 30.0)]),
    "adaptive (ours)": (smooth, [(s,) for s in (0.5, 0.75, 1.0, 1.5, 2.0)]),
}
CAUSAL: dict[str, tuple[Callable[..., np.ndarray], list[tuple[float, ...]]]] = {
    "exponential": (
        lambda t, v, cutoff: one_euro(t, v, cutoff, 0.0), [(c,) for c in (4.0, 8.0, 16.0)],
    ),
    "1 euro": (one_euro, [(1.0, 4.0), (1.0, 8.0), (2.0, 8.0), (2.0, 20.0), (3.0, 40.0)]),
}  # fmt: skip


class Take:
    """The clean take with a shaking channel beside it, noisy, and what to look at."""

    def __init__(self, scale: float, level: np.ndarray) -> None:
        track = read_livelink(data_folder() / "arkit" / "livelink_range_of_motion.csv")
        self.times = np.arange(len(track.times)) / 30.0
        shaking = np.sin(2 * np.pi * SHAKE_HZ * self.times) * (self.times % 4 < 1) * SHAKE_SIZE
        self.clean = np.column_stack([track.coefficients, shaking])
        level = np.append(level, np.median(level)) * scale
        self.level = level
        self.noisy = self.clean + np.random.default_rng(0).normal(size=self.clean.shape) * level
        pace = np.abs(np.gradient(gaussian_filter1d(self.clean, 3, axis=0), self.times, axis=0))
        self.still = pace < 0.02
        self.blinks = list(self._peaks(BLINKS, 0.5, 8))
        self.lips = list(self._peaks(LIPS, 0.15, 9))

    def _peaks(self, names: tuple[str, ...], height: float, width: float) -> Iterator[tuple[int, int]]:
        for channel in (ARKIT_INDEX[name] for name in names):
            peaks, _ = find_peaks(self.clean[:, channel], prominence=height)
            wide = peak_widths(self.clean[:, channel], peaks, rel_height=0.5)[0]
            yield from ((int(peak), channel) for peak in peaks[wide < width])

    def figures(self, result: np.ndarray) -> dict[str, float]:
        def jitter(values: np.ndarray) -> float:
            second = np.diff(values - self.clean, 2, axis=0) / self.level
            return float(np.sqrt(np.mean(second[self.still[1:-1]] ** 2)))

        def kept(peaks: list[tuple[int, int]]) -> np.ndarray:
            around = [result[max(0, f - 2) : f + 3, c].max() / self.clean[f, c] for f, c in peaks]
            return np.array(around)

        shaken = (self.times % 4 > 0.2) & (self.times % 4 < 0.8)
        wave, truth = result[shaken, -1], self.clean[shaken, -1]
        return {
            "jitter left %": 100 * jitter(result) / jitter(self.noisy),
            "error x1000": 1000 * float(np.sqrt(np.mean((result - self.clean) ** 2))),
            "blinks %": 100 * float(kept(self.blinks).mean()),
            "worst blink %": 100 * float(kept(self.blinks).min()),
            "lips %": 100 * float(kept(self.lips).mean()),
            "shake %": 100 * float(wave @ truth / (truth @ truth)),
            "lag ms": self._lag(result),
        }

    def _lag(self, result: np.ndarray) -> float:
        """Delay of the derivative of the moving channels, to a fraction of a frame."""
        truth, moved = (np.diff(values[:, :-1], axis=0).ravel() for values in (self.clean, result))
        width = self.clean.shape[1] - 1
        inner = slice(10 * width, -10 * width)
        scores = [float(truth[inner] @ np.roll(moved, -s * width)[inner]) for s in range(-4, 5)]
        best = int(np.clip(np.argmax(scores), 1, 7))
        a, b, c = scores[best - 1 : best + 2]
        return (best - 4 + 0.5 * (a - c) / (a - 2 * b + c)) * 1000 / 30


def main() -> None:
    """Print the tables."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter).parse_args()
    level = measured_noise()
    print(f"jitter of the Face Landmarker: median {np.median(level):.4f}, most {level.max():.4f}")
    for scale in (1.0, 3.0):
        take = Take(scale, level)
        print(f"\n{len(take.times)} frames, jitter x {scale:g}: "
              f"{len(take.blinks)} blinks, {len(take.lips)} quick lip movements")  # fmt: skip
        names = list(take.figures(take.noisy))
        print(f"{'':26s}" + "".join(f"{name:>15s}" for name in names) + "   at")
        show("none", take.figures(take.noisy), ())
        for name, (run, settings) in TWO_SIDED.items():
            tried = [(take.figures(run(take.times, take.noisy, *s)), s) for s in settings]
            good = [item for item in tried if item[0]["blinks %"] >= 100 * KEPT]
            show(name, *min(good or tried, key=lambda item: item[0]["jitter left %"]))
        for name, (run, settings) in CAUSAL.items():
            for setting in settings:
                show(name + " (causal)", take.figures(run(take.times, take.noisy, *setting)), setting)
    speed()


def show(name: str, figures: dict[str, float], setting: tuple[float, ...]) -> None:
    print(f"{name:26s}" + "".join(f"{value:15.1f}" for value in figures.values()) + f"   {setting or ''}")


def speed() -> None:
    times = np.arange(10_000) / 30
    values = np.cumsum(np.random.default_rng(1).normal(size=(10_000, 60)), axis=0) * 0.01
    reduced_keys(times, values[:10], 0.01)  # compiled once
    for name, run in (
        ("smooth", lambda: smooth(times, values)),
        ("keys", lambda: reduced_keys(times, values, 0.01)),
    ):
        start = time.perf_counter()
        result = run()
        share = f", {100 * result.mean():.0f} % of the samples kept" if name == "keys" else ""
        print(f"{name}: {time.perf_counter() - start:.2f} s for 10,000 frames x 60 channels{share}")
    take = read_livelink(data_folder() / "arkit" / "livelink_range_of_motion.csv")
    for error in (0.002, 0.005, 0.01, 0.02):
        kept = reduced_keys(take.times, take.coefficients, error)
        print(f"keys of the take within {error}: {100 * kept.mean():.1f} % of the samples")
    print(f"windows of the adaptive filter: {filters.SCALES} s")


if __name__ == "__main__":
    main()
