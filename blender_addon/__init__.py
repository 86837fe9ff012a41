# SPDX-License-Identifier: GPL-3.0-or-later
"""Semblance in Blender: standard library, NumPy and bpy only."""

# Read by Blender before 4.2; later ones read blender_manifest.toml.
bl_info = {
    "name": "Semblance",
    "author": "The Semblance authors",
    "version": (0, 1, 0),
    "blender": (3, 4, 0),
    "location": "3D View > Sidebar > Semblance",
    "description": "Rigged heads with 52 ARKit shape keys from photos",
    "category": "Rigging",
}


def register() -> None:
    """Called by Blender when the add-on is switched on. The parts that need no bpy load without it."""
    from . import registration

    registration.register()


def unregister() -> None:
    """Called by Blender when it is switched off."""
    from . import registration

    registration.unregister()
