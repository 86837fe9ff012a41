# SPDX-License-Identifier: GPL-3.0-or-later
"""A photo that follows its rig: what the rig does now, pictures of it, and drawing them over a view."""
