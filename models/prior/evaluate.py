"""How good an exported network is on people and clips that it was not trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from core.arkit import ARKIT_INDEX, EXCLUSIVE_PAIRS
from models.data.expressions import CLIP_FRAMES, FRAMES
from models.prior.data import held_out, read_shards
from models.prior.metrics import VISIBLE, Scores, score
from models.prior.prior import LandmarkPrior

_REST_FRAMES = 3


@dataclass(frozen=True)
class Clip:
    """Frames of one person, and those that the reference is made of."""

    landmarks: Float32[ndarray, "frames 478 3"]
    truth: Float32[ndarray, "frames 52"]
    for_reference: Float32[ndarray, "some 478 3"]


@dataclass(frozen=True)
class Result:
    """Scores, how far apart contradictory pairs are kept, and how honest the deviations are.

    Attributes:
        contradiction: mean of the weaker coefficient of each contradictory pair.
        deviation_ratio: RMS of error over deviation; 1 where deviations are right.
    """

    scores: Scores
    contradiction: float
    deviation_ratio: float


def people_clips(folder: Path, models: Sequence[str]) -> list[Clip]:
    """Held-out people of the training data; the reference comes from their three frames at rest."""
    clips = []
    for shard in read_shards(folder, models):
        landmarks = shard.mean_look.reshape(-1, FRAMES, 478, 3)
        truth = shard.expression.reshape(-1, FRAMES, 52)
        for index in np.flatnonzero(held_out(shard.person[::FRAMES])):
            seen = shard.presence.reshape(-1, FRAMES)[index] > 0.5
            if seen[:_REST_FRAMES].any() and seen[_REST_FRAMES:].any():
                rest, moved = (
                    np.flatnonzero(seen[:_REST_FRAMES]),
                    _REST_FRAMES + np.flatnonzero(seen[_REST_FRAMES:]),
                )
                clips.append(Clip(landmarks[index, moved], truth[index, moved], landmarks[index, rest]))
    return clips


def take_clips(folder: Path, models: Sequence[str]) -> list[Clip]:
    """Clips of the take's second half (``render --clips``); the reference comes from the clip itself."""
    clips = []
    for shard in read_shards(folder, models):
        for start in range(0, len(shard.expression), CLIP_FRAMES):
            seen = start + np.flatnonzero(shard.presence[start : start + CLIP_FRAMES] > 0.5)
            landmarks = shard.mean_look[seen]
            clips.append(Clip(landmarks, shard.expression[seen], landmarks))
    return clips


def evaluate(prior: LandmarkPrior, clips: Sequence[Clip], use_reference: bool = True) -> Result:
    """Scores over all clips together."""
    estimates, truths, ratios = [], [], []
    for clip in clips:
        reference = prior.reference(clip.for_reference) if use_reference else prior.mean_face
        coefficients, deviation = prior(clip.landmarks, reference)
        estimates.append(coefficients)
        truths.append(clip.truth)
        ratios.append(((coefficients - clip.truth) / deviation)[:, VISIBLE])
    estimated, true = np.concatenate(estimates), np.concatenate(truths)
    pairs = [[ARKIT_INDEX[a], ARKIT_INDEX[b]] for a, b in EXCLUSIVE_PAIRS]
    return Result(
        score(estimated, true),
        float(estimated[:, pairs].min(axis=-1).mean()),
        float(np.sqrt(np.square(np.concatenate(ratios)).mean())),
    )
