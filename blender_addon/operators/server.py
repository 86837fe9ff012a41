# SPDX-License-Identifier: GPL-3.0-or-later
"""The server: started, stopped, tested, and what is wrong with it mended."""

import addon_utils
import bpy
from bpy.props import StringProperty

from .. import texts
from ..addon_id import ADDON
from ..client import messages as say
from ..client.local.folder import server_folder
from ..diagnosis import report
from ..runtime import session
from ..runtime.state import state
from ..server_choice import is_local, preferences


class SEMBLANCE_OT_server_start(bpy.types.Operator):
    bl_idname = "semblance.server_start"
    bl_label = texts.START_SERVER
    bl_description = texts.START_SERVER_TIP
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        return is_local()

    def execute(self, _context: bpy.types.Context) -> set[str]:
        chosen = preferences()
        python, port, device = (chosen.python, chosen.port, chosen.device) if chosen else ("", 0, "AUTO")
        state.server, state.notice = say.ServerState("starting"), ""
        python = bpy.path.abspath(python) if python else ""
        session.post(say.StartServer(server_folder(), python, port, device == "CPU"))
        return {"FINISHED"}


class SEMBLANCE_OT_server_stop(bpy.types.Operator):
    bl_idname = "semblance.server_stop"
    bl_label = texts.STOP_SERVER
    bl_description = texts.STOP_SERVER_TIP
    bl_options = {"INTERNAL"}

    def execute(self, _context: bpy.types.Context) -> set[str]:
        session.post(say.StopServer())
        return {"FINISHED"}


class SEMBLANCE_OT_server_check(bpy.types.Operator):
    bl_idname = "semblance.server_check"
    bl_label = texts.TEST_CONNECTION
    bl_description = texts.TEST_CONNECTION_TIP
    bl_options = {"INTERNAL"}

    def execute(self, _context: bpy.types.Context) -> set[str]:
        session.use_chosen_server()  # whether Blender may go online can have changed
        session.post(say.CheckServer())
        return {"FINISHED"}


class SEMBLANCE_OT_find_python(bpy.types.Operator):
    bl_idname = "semblance.find_python"
    bl_label = texts.FIND_PYTHON
    bl_description = texts.FIND_PYTHON_TIP
    bl_options = {"INTERNAL"}

    def execute(self, _context: bpy.types.Context) -> set[str]:
        chosen = preferences()
        session.post(say.FindPythons(chosen.python if chosen else ""))
        return {"FINISHED"}


class SEMBLANCE_OT_use_python(bpy.types.Operator):
    bl_idname = "semblance.use_python"
    bl_label = texts.USE_PYTHON
    bl_description = texts.USE_PYTHON_TIP
    bl_options = {"INTERNAL"}

    path: StringProperty(options={"HIDDEN"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        preferences().python = self.path
        context.preferences.is_dirty = True
        return {"FINISHED"}


class SEMBLANCE_OT_preferences(bpy.types.Operator):
    bl_idname = "semblance.preferences"
    bl_label = texts.OPEN_PREFERENCES
    bl_description = texts.OPEN_PREFERENCES_TIP
    bl_options = {"INTERNAL"}

    def execute(self, _context: bpy.types.Context) -> set[str]:
        bpy.ops.preferences.addon_show(module=ADDON)
        return {"FINISHED"}


class SEMBLANCE_OT_allow_online(bpy.types.Operator):
    bl_idname = "semblance.allow_online"
    bl_label = texts.ALLOW_ONLINE
    bl_description = texts.ALLOW_ONLINE_TIP
    bl_options = {"INTERNAL"}

    def execute(self, _context: bpy.types.Context) -> set[str]:
        bpy.ops.screen.userpref_show(section="SYSTEM")
        return {"FINISHED"}


class SEMBLANCE_OT_enable_gltf(bpy.types.Operator):
    bl_idname = "semblance.enable_gltf"
    bl_label = texts.ENABLE_GLTF
    bl_description = texts.ENABLE_GLTF_TIP
    bl_options = {"INTERNAL"}

    def execute(self, _context: bpy.types.Context) -> set[str]:
        addon_utils.enable("io_scene_gltf2", default_set=True)
        return {"FINISHED"}


class SEMBLANCE_OT_copy_report(bpy.types.Operator):
    bl_idname = "semblance.copy_report"
    bl_label = texts.COPY
    bl_description = texts.COPY_TIP
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        context.window_manager.clipboard = report()
        self.report({"INFO"}, texts.t(texts.COPIED))
        return {"FINISHED"}


CLASSES = (
    SEMBLANCE_OT_server_start,
    SEMBLANCE_OT_server_stop,
    SEMBLANCE_OT_server_check,
    SEMBLANCE_OT_find_python,
    SEMBLANCE_OT_use_python,
    SEMBLANCE_OT_preferences,
    SEMBLANCE_OT_allow_online,
    SEMBLANCE_OT_enable_gltf,
    SEMBLANCE_OT_copy_report,
)
