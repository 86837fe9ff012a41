"""Errors that a user can cause.

Each has a stable code and a sentence that says what to do next; the command line prints them,
the API and the add-on pass them on unchanged.
"""

from __future__ import annotations


class SemblanceError(Exception):
    """Base of every error a user can cause; ``code`` is the stable name that clients match on."""

    code = "error"

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class Cancelled(SemblanceError):
    """The user asked the work to stop."""

    code = "cancelled"

    def __init__(self, message: str = "Cancelled.") -> None:
        super().__init__(message)


class UnreadableMedia(SemblanceError):
    """A photo or video cannot be decoded (missing, empty, truncated, not an image)."""

    code = "unreadable_media"


class CameraUnavailable(SemblanceError):
    """A camera does not open or sends no pictures (not there, in use, no permission)."""

    code = "camera_unavailable"


class NoFaceFound(SemblanceError):
    """No face was detected in a photo."""

    code = "no_face_found"


class BadInput(SemblanceError):
    """An argument or option has a value that cannot be used."""

    code = "bad_input"


class ModelMissing(SemblanceError):
    """A face model is not installed."""

    code = "model_missing"


class ModelUnreadable(SemblanceError):
    """A face model's file is damaged, of another layout, or asks to run code."""

    code = "model_unreadable"


class RigUnreadable(SemblanceError):
    """A rig document is damaged or of a version this release does not know."""

    code = "rig_unreadable"


class TrackUnreadable(SemblanceError):
    """A track, or a take of another program, is damaged or of a version this release does not know."""

    code = "track_unreadable"


class PresetUnreadable(SemblanceError):
    """A mapping preset is damaged or of a version this release does not know."""

    code = "preset_unreadable"


class DataUnreadable(SemblanceError):
    """A training set, a shard of it, a bank or an evaluation dataset is damaged, incomplete or outdated."""

    code = "data_unreadable"


class TrainingDiverged(SemblanceError):
    """Training came to numbers that are not finite, step after step."""

    code = "training_diverged"


class DependencyMissing(SemblanceError):
    """An optional package (bpy, ...) is not installed."""

    code = "dependency_missing"


class OutputFailed(SemblanceError):
    """A result could not be written (disk full, no permission)."""

    code = "output_failed"


class MeshUnusable(SemblanceError):
    """A mesh that should get shape keys is damaged, empty or flat."""

    code = "mesh_unusable"


class LandmarksMissing(SemblanceError):
    """No face was found on a mesh: the user must place landmarks by hand."""

    code = "landmarks_missing"


class LandmarksUnreadable(SemblanceError):
    """A landmark document is damaged, of another version, or does not fit together."""

    code = "landmarks_unreadable"
