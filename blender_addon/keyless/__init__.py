# SPDX-License-Identifier: GPL-3.0-or-later
"""Shape keys for meshes that have none: what is sent, what comes back, and the landmarks."""
