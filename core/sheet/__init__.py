"""The picture sheet: one image that shows how good a rig is."""

from core.sheet.sheet import EXPECTED_SECONDS, make_sheet, save_sheet

__all__ = ["EXPECTED_SECONDS", "make_sheet", "save_sheet"]
