# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes performances into Blender: shape keys, head and eyes.

The numbers are finished when they get here: mapping, smoothing and the key reduction of shape keys are done
by Semblance itself and travel in one file, so that they exist once and the add-on needs no more than NumPy.
Keys of head and eyes are reduced here, since they depend on rotation modes.
"""
