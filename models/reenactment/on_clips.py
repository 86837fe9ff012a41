"""Training of the reenactment networks on folders of clips."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from core.errors import BadInput
from models.reenactment.clip import is_clip
from models.reenactment.clip_pairs import ClipPairs
from models.reenactment.config import ReenactmentConfig
from models.reenactment.training import Outcome, train

_HELD_OUT: Final = 10  # one clip in so many validates where no folders are given for it


def train_on_clips(config: ReenactmentConfig, out: Path, **options: Any) -> Outcome:
    """Train on the folders of ``config.data``, validate on those of ``config.validation``.

    Args:
        options: of ``models.reenactment.training.train``.

    Raises:
        BadInput: there are no clips, or too few to keep one for validation; and as the training says.
        DataUnreadable, RigUnreadable: a clip is damaged.
    """
    learnt = clips_in([Path(name) for name in config.data])
    held_out = clips_in([Path(name) for name in config.validation])
    if not learnt:
        raise BadInput("There is no clip to train on.", "Name folders of `semblance data clips` with --data.")
    if not held_out:
        held_out, learnt = learnt[::_HELD_OUT], [c for n, c in enumerate(learnt) if n % _HELD_OUT]
    if not learnt:
        raise BadInput(
            "One clip alone cannot both train and validate.",
            "Add a clip, or name one to validate on with --set validation.",
        )
    source = ClipPairs(learnt, config.pairs, seed=config.seed)
    judged = ClipPairs(held_out, config.pairs, seed=config.seed + 1, vary=False)
    return train(config, out, source, judged, **options)


def clips_in(folders: Sequence[Path]) -> list[Path]:
    """Clips that are, or lie in, folders."""
    return [one for folder in folders for one in sorted({folder, *folder.glob("*")}) if is_clip(one)]
