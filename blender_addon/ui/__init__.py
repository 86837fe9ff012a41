# SPDX-License-Identifier: GPL-3.0-or-later
"""Panels, lists, menus and the preferences page. They draw what is known and change nothing."""

from . import (
    drop,
    expression_panels,
    head_panels,
    lists,
    live_panels,
    menus,
    person_panels,
    preview_panel,
    take_panels,
    transfer_panel,
)

CLASSES = (
    *lists.CLASSES,
    *menus.CLASSES,
    *person_panels.CLASSES,
    *head_panels.CLASSES,
    *preview_panel.CLASSES,
    *expression_panels.CLASSES,
    *take_panels.CLASSES,
    *live_panels.CLASSES,
    *transfer_panel.CLASSES,
    *drop.CLASSES,
)
