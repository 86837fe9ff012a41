# SPDX-License-Identifier: GPL-3.0-or-later
"""The server of this machine: found, started, stopped and read along with, without bpy."""
