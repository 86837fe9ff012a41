# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws a picture over the 3D views: in a corner, or where the photo lies in its camera's frame."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import bpy
import numpy as np
from bpy_extras.view3d_utils import location_3d_to_region_2d

from ..client.preview_messages import PreviewLayout
from ..versions import draw_in_view, view_texture

_MARGIN = 12  # pixels, at scale 1

Box = tuple[float, float, float, float]  # left, bottom, width, height in a region's pixels


@dataclass(eq=False)
class _Layer:
    """Pixels and their texture, which is made where there is something to draw on."""

    pixels: np.ndarray | None = None  # RGBA bytes (H, W, 4), rows from the bottom
    texture: Any = None

    def draw(self, box: Box) -> None:
        if self.pixels is None:
            return
        if self.texture is None:
            self.texture = view_texture(self.pixels)
        draw_in_view(self.texture, *box)


@dataclass(eq=False)
class Overlay:
    """What is drawn over every 3D view, from :meth:`open` to :meth:`close`.

    Attributes:
        camera: finds the camera whose views are filled; none to dock everywhere.
        backdrop: finds the whole photo, as an image.
        failure: why nothing can be drawn on this screen; empty while it can.
    """

    camera: Callable[[], bpy.types.Object | None]
    backdrop: Callable[[], bpy.types.Image | None]
    layout: PreviewLayout | None = None
    failure: str = ""
    _square: _Layer = field(default_factory=_Layer)
    _photo: _Layer = field(default_factory=_Layer)
    _handle: Any = None

    def open(self) -> None:
        """Draw from now on."""
        self._handle = bpy.types.SpaceView3D.draw_handler_add(self._draw, (), "WINDOW", "POST_PIXEL")

    def close(self) -> None:
        """Draw no longer."""
        if self._handle is not None:
            bpy.types.SpaceView3D.draw_handler_remove(self._handle, "WINDOW")
            self._handle = None

    def show(self, pixels: np.ndarray) -> None:
        """Draw this picture from now on: RGBA bytes (H, W, 4), rows from the bottom."""
        self._square = _Layer(pixels)

    def _draw(self) -> None:
        if self.failure:
            return
        try:
            self._draw_in_view()
        except Exception as error:  # it would fail in every redraw
            traceback.print_exc()
            self.failure = f"{type(error).__name__}: {error}"

    def _draw_in_view(self) -> None:
        context = bpy.context
        space, region = context.space_data, context.region
        if self.layout is None or space is None or region is None:
            return
        camera = self.camera()
        looks_through = camera is not None and space.region_3d.view_perspective == "CAMERA"
        if looks_through and (space.camera if space.use_local_camera else context.scene.camera) == camera:
            photo = _photo_box(camera, self.layout, context)
            if photo is not None:
                self._draw_photo(photo)
                self._square.draw(_square_box(photo, self.layout))
                return
        self._square.draw(_docked_box(context))

    def _draw_photo(self, box: Box) -> None:
        image = self.backdrop() if self._photo.pixels is None else None
        if image is not None and image.channels == 4:
            width, height = image.size
            pixels = np.empty((height, width, 4), np.float32)
            image.pixels.foreach_get(pixels.ravel())
            self._photo = _Layer((pixels * 255 + 0.5).astype(np.uint8))
        self._photo.draw(box)


def _photo_box(camera: bpy.types.Object, layout: PreviewLayout, context: bpy.types.Context) -> Box | None:
    """Where the photo lies: fitted into the middle of the camera's frame."""
    place = camera.matrix_world.normalized()
    corners = [
        location_3d_to_region_2d(context.region, context.space_data.region_3d, place @ corner)
        for corner in camera.data.view_frame(scene=context.scene)
    ]
    if any(corner is None for corner in corners):
        return None
    points = np.array(corners)
    low, high = points.min(axis=0), points.max(axis=0)
    size = np.array(layout.photo, float)
    size = size * np.min((high - low) / size)
    left, bottom = (low + high - size) / 2
    return float(left), float(bottom), float(size[0]), float(size[1])


def _square_box(photo: Box, layout: PreviewLayout) -> Box:
    """Where the square lies in a photo that is drawn there."""
    scale = photo[2] / layout.photo[0]
    left, top, side = (scale * number for number in layout.square)
    return photo[0] + left, photo[1] + photo[3] - top - side, side, side


def _docked_box(context: bpy.types.Context) -> Box:
    """The lower left corner, beside the tools."""
    tools = sum(
        region.width for region in context.area.regions if region.type == "TOOLS" and region.width > 1
    )
    margin = _MARGIN * context.preferences.system.ui_scale
    region = context.region
    side = context.scene.semblance.preview.share * min(region.width, region.height) - margin
    return tools + margin, margin, side, side
