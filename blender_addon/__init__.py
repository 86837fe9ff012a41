# SPDX-License-Identifier: GPL-3.0-or-later
"""Semblance in Blender: standard library, NumPy and bpy only."""
