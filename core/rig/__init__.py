"""The rig document: a personalised head that travels, and its file."""

from core.rig.archive import load_rig, load_rig_document, load_rig_photos, save_rig
from core.rig.displacement import Displacement
from core.rig.document import Rig, RigCamera, RigLens, RigMaterial, RigPhoto
from core.rig.lenses import lens_facts, lenses_in_words
from core.rig.previews import preview_origin

__all__ = [
    "Displacement",
    "Rig",
    "RigCamera",
    "RigLens",
    "RigMaterial",
    "RigPhoto",
    "lens_facts",
    "lenses_in_words",
    "load_rig",
    "load_rig_document",
    "load_rig_photos",
    "preview_origin",
    "save_rig",
]
