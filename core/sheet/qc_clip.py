"""A clip to check a track by: the video with the tracked wireframe over it, and the busiest curves below."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from jaxtyping import Float, Int, UInt8
from numpy import ndarray
from scipy.spatial import Delaunay

from core.arkit import ARKIT_NAMES
from core.atomic import staged_output
from core.capture.video import open_video
from core.film import open_film
from core.landmark_topology import FACE_OVAL
from core.track import Track
from core.tracking.performance import HeadPoints

CURVES: Final = 8
_SIDE: Final = 960  # pixels, the longest side of the pictures
_PANEL: Final = 216  # pixels, height of the curves
_SPAN: Final = 4.0  # seconds that the curves show
_WIRE, _LOST = (64, 255, 128), (255, 96, 64)
_COLOURS: Final = (
    (255, 99, 71), (255, 200, 60), (120, 220, 90), (70, 200, 220), (100, 140, 255), (190, 120, 255),
    (255, 130, 200), (220, 220, 220),
)  # fmt: skip


def write_qc_clip(
    video_path: Path,
    track: Track,
    head: HeadPoints,
    out: Path,
    report: Callable[[float], None] = lambda fraction: None,
) -> None:
    """Draw a track over its video.

    Args:
        head: whose landmarks the track moves.
        out: an .mp4; appears whole or not at all.

    Raises:
        UnreadableMedia: the video cannot be read any more.
        OutputFailed: the clip cannot be written.
    """
    edges = _edges(head.rest)
    busiest = np.argsort(-track.coefficients.std(axis=0))[:CURVES]
    start = track.source.start if track.source else 0.0
    end = float(track.times[-1])
    with open_video(video_path, start=start, end=end, long_side=_SIDE) as video, staged_output(out) as staged:
        width, height = (side - side % 2 for side in (video.info.width, video.info.height))
        scale = video.info.width / max(track.source.width if track.source else width, 1)
        with open_film(staged, (width, height + _PANEL)) as film:
            frame_of = {round(time, 4): index for index, time in enumerate(track.times)}
            for frame in video:
                index = frame_of.get(round(frame.time, 4))
                if index is None:
                    continue
                report(index / len(track.times))
                picture = np.zeros((height + _PANEL, width, 3), np.uint8)
                picture[:height] = frame.pixels[:height, :width]
                _draw_wire(
                    picture[:height], _pixels(track, head, index, scale), edges, _is_lost(track, index)
                )
                _draw_curves(picture[height:], track, busiest, index)
                film.add(picture, frame.time - start)
            film.end(end - start)


def _edges(rest: Float[ndarray, "478 3"]) -> Int[ndarray, "edges 2"]:
    """Edges of a mesh on the landmarks, drawn from the front."""
    points = rest[:468, :2]
    triangles = Delaunay(points).simplices
    oval = points[list(FACE_OVAL)].astype(np.float32)
    centres = points[triangles].mean(axis=1)
    inside = [cv2.pointPolygonTest(oval, (float(x), float(y)), False) >= 0 for x, y in centres]
    kept = triangles[np.array(inside)]
    edges = np.sort(np.concatenate([kept[:, [0, 1]], kept[:, [1, 2]], kept[:, [2, 0]]]), axis=1)
    return np.unique(edges, axis=0)


def _pixels(track: Track, head: HeadPoints, index: int, scale: float) -> Float[ndarray, "478 2"] | None:
    shot = track.shots[np.searchsorted([s.first for s in track.shots], index, side="right") - 1]
    if shot.focal is None or track.source is None:
        return None
    points = head.rest + np.tensordot(track.coefficients[index].astype(np.float64), head.units, axes=1)
    points = points @ track.head_rotation[index].T + track.head_translation[index]
    centre = np.array([track.source.width, track.source.height]) / 2
    return (points[:, :2] / points[:, 2:] * shot.focal + centre) * scale


def _is_lost(track: Track, index: int) -> bool:
    return any(first <= index < end for first, end in track.lost)


def _draw_wire(
    picture: UInt8[ndarray, "h w 3"], pixels: ndarray | None, edges: Int[ndarray, "e 2"], lost: bool
) -> None:
    if pixels is None:
        return
    lines = np.round(pixels[edges] * 16).astype(np.int32)
    over = picture.copy()
    cv2.polylines(over, list(lines), False, _LOST if lost else _WIRE, 1, cv2.LINE_AA, 4)
    cv2.addWeighted(over, 0.45, picture, 0.55, 0, picture)
    for point in pixels[468:]:
        cv2.circle(picture, (round(point[0]), round(point[1])), 2, (255, 255, 255), -1, cv2.LINE_AA)


def _draw_curves(
    panel: UInt8[ndarray, "h w 3"], track: Track, chosen: Int[ndarray, " n"], index: int
) -> None:
    """Values around the present, 0 at the bottom, with names and numbers at the left."""
    panel[:] = 24
    height, width = panel.shape[:2]
    left, now = 190, track.times[index]
    near = np.abs(track.times - now) <= _SPAN / 2
    x = left + (track.times[near] - now + _SPAN / 2) / _SPAN * (width - left)
    middle = left + (width - left) // 2
    cv2.line(panel, (middle, 0), (middle, height), (90, 90, 90), 1)
    for row, unit in enumerate(chosen.tolist()):
        colour = _COLOURS[row % len(_COLOURS)]
        y = (height - 6) - track.coefficients[near, unit] * (height - 12)
        line = np.round(np.column_stack([x, y]) * 16).astype(np.int32)
        cv2.polylines(panel, [line], False, colour, 1, cv2.LINE_AA, 4)
        text = f"{ARKIT_NAMES[unit]} {track.coefficients[index, unit]:.2f}"
        place = (8, 22 + row * 25)
        cv2.putText(panel, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.45, colour, lineType=cv2.LINE_AA)
