# SPDX-License-Identifier: GPL-3.0-or-later
"""What operators share that read files."""

from pathlib import Path

import bpy
from bpy.props import CollectionProperty, StringProperty
from bpy_extras.io_utils import ImportHelper


class FilesGiven(ImportHelper):
    """Files of the file browser, or dropped on the window: then nothing is asked."""

    directory: StringProperty(subtype="DIR_PATH", options={"HIDDEN", "SKIP_SAVE"})
    files: CollectionProperty(type=bpy.types.OperatorFileListElement, options={"HIDDEN", "SKIP_SAVE"})

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if self.directory and self.files:  # dropped
            return self.execute(context)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def paths(self) -> list[Path]:
        """All that were chosen."""
        names = [item.name for item in self.files if item.name]
        return [Path(self.directory) / name for name in names] or [Path(self.filepath)]
