"""A few frames of a clip that show a head from as many sides as it turns to, kept as PNG files."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from core.capture.faces import FaceFinder
from core.capture.photos import Photo
from core.capture.video import open_video, probe_video
from tests.benchmarks.heads_support.store import file_hash, folder, key_of

FRAMES: Final = 5
_LOOKED_AT: Final = 40  # frames, spread over the first half minute
_MOST_SECONDS: Final = 30.0
_VERSION: Final = 1  # of this way to choose


def turned_frames(clip: Path) -> list[Path]:
    """``FRAMES`` frames spread by yaw between the clip's farthest turns, in the order of yaw.

    Of all frames that are looked at, those whose yaw is nearest to even steps from one end to the other; a
    frame is taken once, so that a clip that hardly turns gives frames of hardly different yaw.
    """
    kept = folder("frames") / f"{clip.stem}-{key_of(file_hash(clip), FRAMES, _LOOKED_AT, _VERSION)}"
    if not (kept / "done").is_file():
        kept.mkdir(exist_ok=True)
        for number, pixels in enumerate(_choose(clip)):
            Image.fromarray(pixels).save(kept / f"{clip.stem}-{number}.png")
        (kept / "done").touch()
    return sorted(kept.glob("*.png"))


def _choose(clip: Path) -> list[np.ndarray]:
    seconds = min(probe_video(clip).duration, _MOST_SECONDS)
    times = np.linspace(0, seconds, _LOOKED_AT, endpoint=False)
    seen: list[tuple[float, np.ndarray]] = []
    with open_video(clip) as video, FaceFinder() as finder:
        wanted = 0
        for time, pixels in video:
            if wanted == len(times):
                break
            if time < times[wanted]:
                continue
            wanted += 1
            photo = Photo(pixels, clip, "", None, (pixels.shape[1], pixels.shape[0]))
            faces = finder.find_faces(photo, thorough=False)
            if faces:
                seen.append((faces[0].yaw, pixels.copy()))
    if len(seen) < FRAMES:
        return [pixels for _, pixels in seen]
    yaws = np.array([yaw for yaw, _ in seen])
    left = set(range(len(seen)))
    chosen = []
    for target in np.linspace(yaws.min(), yaws.max(), FRAMES):
        nearest = min(left, key=lambda place: abs(yaws[place] - target))
        left.remove(nearest)
        chosen.append(nearest)
    return [seen[place][1] for place in sorted(chosen, key=lambda place: yaws[place])]
