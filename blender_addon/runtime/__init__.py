# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs while Blender runs: the worker's owner, the timer, and the handlers of file loads and undo."""
