# SPDX-License-Identifier: GPL-3.0-or-later
"""The name under which Blender knows the add-on: another one as an extension than as a classic add-on."""

ADDON = __package__ or "blender_addon"
VERSION = "0.1.0"
