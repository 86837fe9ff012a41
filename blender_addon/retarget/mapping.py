# SPDX-License-Identifier: GPL-3.0-or-later
"""The mapping table at work on live frames; for takes Semblance itself does this."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .animation_file import Animation, KeyCurve

_ALMOST_ALL = 0.95  # a neutral face with more of a unit than this says nothing about the unit's range
_OTHER_SIDE = np.diag([-1.0, 1.0, 1.0])


class KeyTable:
    """``clip(gain * sum(weight * unit) + offset, low, high)`` for each shape key that is not muted.

    Args:
        preset: a mapping preset, as the file and the server have it.
        names: of the units, in the order of the coefficients to come.
        gain: of all channels, on top of their own.
    """

    def __init__(self, preset: Mapping[str, Any], names: Sequence[str], gain: float = 1.0) -> None:
        place = {name: index for index, name in enumerate(names)}
        channels = {key: channel for key, channel in preset["channels"].items() if not channel.get("muted")}
        self.keys = tuple(channels)
        self._matrix = np.zeros((len(names), len(channels)))
        for column, channel in enumerate(channels.values()):
            for unit, weight in channel["weights"].items():
                if unit in place:
                    self._matrix[place[unit], column] += weight
        self._gain, self._offset, self._low, self._high = (
            np.array([channel[part] for channel in channels.values()], np.float64)
            for part in ("gain", "offset", "low", "high")
        )
        self._gain *= gain
        self._rest = np.zeros(len(names))
        for unit, value in preset["neutral"].items():
            if unit in place:
                self._rest[place[unit]] = min(max(value, 0.0), _ALMOST_ALL)
        self.mirrored = bool(preset["mirrored"])
        self._swap = [place.get(_other_side(name), index) for index, name in enumerate(names)]

    def __call__(self, coefficients: np.ndarray) -> np.ndarray:
        """Values (F, K) of the keys from coefficients (F, N)."""
        units = np.maximum(coefficients - self._rest, 0.0) / (1.0 - self._rest)
        if self.mirrored:
            units = units[:, self._swap]
        values: np.ndarray = np.clip(
            self._gain * (units @ self._matrix) + self._offset, self._low, self._high
        )
        return values


@dataclass(frozen=True, eq=False)
class RestPose:
    """The head pose that counts as rest: rotation (3, 3) and way (3,), as live frames have them."""

    rotation: np.ndarray
    translation: np.ndarray


def animation_of(
    frames: Sequence[Any],
    table: KeyTable,
    meshes: Mapping[str, Sequence[str]],
    rest: RestPose | None = None,
    name: str = "Live",
) -> Animation:
    """Live frames (at least one) as an animation of a character.

    Args:
        frames: :class:`~..client.live_messages.LiveFrame` s.
        meshes: mesh -> names of its shape keys.
    """
    times = np.array([frame.time for frame in frames])
    values = table(np.stack([frame.coefficients for frame in frames]))
    rotation = np.stack([frame.head_rotation for frame in frames])
    translation = np.stack([frame.head_translation for frame in frames])
    gaze = np.stack([frame.gaze for frame in frames])
    if rest is not None:
        translation = (translation - rest.translation) @ rest.rotation
        rotation = rest.rotation.T @ rotation
    if table.mirrored:
        rotation, translation = _OTHER_SIDE @ rotation @ _OTHER_SIDE, translation @ _OTHER_SIDE
        gaze = gaze[:, ::-1] * np.array([-1.0, 1.0])
    curves = tuple(
        KeyCurve(mesh, key, times, values[:, column])
        for mesh, keys in meshes.items()
        for column, key in enumerate(table.keys)
        if key in keys
    )
    return Animation(
        name=name,
        fps=0.0,
        error=0.0,
        curves=curves,
        times=times,
        head_rotation=rotation,
        head_translation=translation,
        gaze=gaze,
    )


def _other_side(name: str) -> str:
    for side, other in (("Left", "Right"), ("Right", "Left")):
        if name.endswith(side):
            return name[: -len(side)] + other
    return name
