"""Errors of the server and of talking to one; codes and HTTP statuses are part of the API."""

from __future__ import annotations

from typing import Final

from core import errors as core_errors
from core.errors import SemblanceError


class Unauthorized(SemblanceError):
    """The token is missing or wrong."""

    code = "unauthorized"


class ForbiddenHost(SemblanceError):
    """The request was sent by a web page, or to a host name that is not this server's."""

    code = "forbidden_host"


class NotFound(SemblanceError):
    """There is no such file, job, rig or address."""

    code = "not_found"


class Conflict(SemblanceError):
    """The request contradicts what is stored: a key used twice, something in use that should be deleted."""

    code = "conflict"


class TooLarge(SemblanceError):
    """More bytes or pixels than are taken."""

    code = "too_large"


class UnsupportedMedia(SemblanceError):
    """The bytes are no image, rig, track or video of a known format."""

    code = "unsupported_media"


class TooMany(SemblanceError):
    """Too many files, waiting jobs or open event streams."""

    code = "too_many"


class QuotaExceeded(SemblanceError):
    """The server's storage is used up, or its disk is full."""

    code = "quota_exceeded"


class WorkerDied(SemblanceError):
    """The process that did the work ended twice while it worked on a job."""

    code = "worker_died"


class ServerRunning(SemblanceError):
    """Another server uses the same folder."""

    code = "server_running"


class PortBusy(SemblanceError):
    """The server cannot listen at the address."""

    code = "port_busy"


class ServerUnreachable(SemblanceError):
    """No server answers at the address, or something else does."""

    code = "server_unreachable"


HTTP_STATUS: Final = {
    "unauthorized": 401,
    "forbidden_host": 403,
    "not_found": 404,
    "conflict": 409,
    "cancelled": 409,
    "too_large": 413,
    "unsupported_media": 415,
    "bad_input": 422,
    "unreadable_media": 422,
    "no_face_found": 422,
    "model_missing": 422,
    "model_unreadable": 422,
    "rig_unreadable": 422,
    "track_unreadable": 422,
    "preset_unreadable": 422,
    "mesh_unusable": 422,
    "landmarks_missing": 422,
    "landmarks_unreadable": 422,
    "data_unreadable": 422,
    "dependency_missing": 422,
    "too_many": 429,
    "output_failed": 507,
    "quota_exceeded": 507,
}
"""Error code → HTTP status; 500 where a code is not listed."""


def _classes(base: type[SemblanceError]) -> list[type[SemblanceError]]:
    return [base, *(found for child in base.__subclasses__() for found in _classes(child))]


def error_from(code: str, message: str, hint: str = "") -> SemblanceError:
    """The error that a server reported, as the class that it would be here."""
    if code == core_errors.Cancelled.code:
        return core_errors.Cancelled(message)
    known = {found.code: found for found in _classes(SemblanceError)}
    if code in known:
        return known[code](message, hint)
    error = SemblanceError(message, hint)  # of a newer server
    error.code = code
    return error
