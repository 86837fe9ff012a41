# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds a rig's head from Blender's own data."""

from .head import Head, build_head
from .rebuild import rebuild_head
from .scene import set_up_scene

__all__ = ["Head", "build_head", "rebuild_head", "set_up_scene"]
