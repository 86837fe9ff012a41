"""Pairs of frames of clips, with the guidance between them made as they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor

from core.guidance.guide import Guide
from models.reenactment.batch import GuidanceBatch, joined
from models.reenactment.clip import Clip, load_clip
from models.reenactment.pairs import guided_batch
from models.training.source import DataFacts

_GUIDES: Final = 96  # sources that are kept ready
_A_SOURCE: Final = 4  # pairs of a batch that share one: preparing a source costs as much as twenty pairs


class ClipPairs:
    """Batches of pairs, each a function of its number.

    Args:
        folders: of clips.
        pairs: of a batch.
        vary: gains of colour and mirror images, for training.

    Raises:
        DataUnreadable, RigUnreadable: a clip is damaged.
    """

    def __init__(self, folders: Sequence[Path], pairs: int, *, seed: int = 0, vary: bool = True) -> None:
        self._clips = [load_clip(folder) for folder in folders]
        self._names = [folder.name for folder in folders]
        self._pairs, self._seed, self._vary = pairs, seed, vary
        self._guide = lru_cache(maxsize=_GUIDES)(self._make_guide)

    @property
    def facts(self) -> tuple[DataFacts, ...]:
        """What a card says of them."""
        frames = sum(len(clip.pictures) for clip in self._clips)
        return (DataFacts(", ".join(self._names), len(self._clips), frames, {}),)

    def batch(self, step: int) -> GuidanceBatch:
        """The batch of a step."""
        random = np.random.default_rng((self._seed, step))
        parts: list[GuidanceBatch] = []
        for first in range(0, self._pairs, _A_SOURCE):
            count = min(_A_SOURCE, self._pairs - first)
            parts.append(self._of_one_source(int(random.integers(len(self._clips))), count, random))
        return joined(parts)

    def _of_one_source(self, which: int, count: int, random: np.random.Generator) -> GuidanceBatch:
        clip = self._clips[which]
        guide = self._guide(which, int(random.integers(len(clip.sources))))
        targets = random.integers(len(clip.pictures), size=count)
        states = clip.states[targets]
        guidance, _ = guide(states)
        truth = np.stack([clip.picture(int(frame)) for frame in targets])
        batch = guided_batch(guide.source.picture, guide.source.state, states, guidance, truth)
        return _in_other_colours(batch, random) if self._vary else batch

    def _make_guide(self, which: int, number: int) -> Guide:
        clip: Clip = self._clips[which]
        return Guide(clip.source(number))


def _in_other_colours(batch: GuidanceBatch, random: np.random.Generator) -> GuidanceBatch:
    """All pictures of a pair under another exposure and white balance."""
    gain = torch.from_numpy(np.exp(random.normal(0, 0.15) + random.normal(0, 0.06, 3)).astype(np.float32))
    gamma = float(np.exp(random.normal(0, 0.1)))

    def changed(images: Tensor) -> Tensor:
        return (images.clamp(0, 1) ** gamma * gain[:, None, None]).clamp(0, 1)

    return GuidanceBatch(
        changed(batch.source), changed(batch.target), batch.flow, batch.occlusion, changed(batch.render),
        batch.masks, batch.code,
    )  # fmt: skip
