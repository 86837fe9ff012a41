# SPDX-License-Identifier: GPL-3.0-or-later
"""The owners of jobs: what in a file waits for the server, and how each kind of it is served.

An owner is a :class:`~.properties.WithJob`: a person, a performance, a character that gets shape keys. It has
at most one job at a time and is looked up by its id after every wait. A further kind is one more row here,
with a request of its own (in :mod:`.client`) and an operator that takes the result into the scene.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import bpy

from . import texts
from .client.job import JobRequest
from .client.keys_job import KeysReady
from .client.messages import JobResult
from .client.rig_job import RigReady
from .client.take_jobs import TakeReady
from .people import all_people, rig_request
from .takes import all_takes, clip_request
from .transfers import all_transfers, keys_request


@dataclass(frozen=True)
class OwnerKind:
    """How one kind of owner is served.

    Attributes:
        all: every owner of the kind in the file, with its scene.
        request: the job that an owner keeps in the file, started or, if it has one in work, followed.
        result: what such a job hands back at the end.
        apply: the operator that takes the result into the scene, as one step to undo.
        cancel: the operator that stops the job.
        not_sent: said of a job that was not sent completely when Blender closed.
        leave_mode: said while a result waits for the user to leave a ``{mode}``.
        ownerless: said of a result, at ``{path}``, whose owner is not in the file; empty to drop it.
    """

    all: Callable[[], Iterator[tuple[bpy.types.Scene, Any]]]
    request: Callable[[Any], JobRequest]
    result: type[JobResult]
    apply: str
    cancel: str
    not_sent: str
    leave_mode: str
    ownerless: str = ""

    def find(self, uid: str) -> tuple[bpy.types.Scene, Any] | None:
        """The owner of an id, with its scene."""
        return next((pair for pair in self.all() if pair[1].uid == uid), None)


PERSON = OwnerKind(
    all=all_people,
    request=rig_request,
    result=RigReady,
    apply="semblance.apply_rig",
    cancel="semblance.cancel",
    not_sent=texts.NOT_SENT,
    leave_mode=texts.LEAVE_MODE,
    ownerless=texts.HEAD_WITHOUT_PERSON,
)
TAKE = OwnerKind(
    all=all_takes,
    request=clip_request,
    result=TakeReady,
    apply="semblance.take_apply",
    cancel="semblance.take_cancel",
    not_sent=texts.TAKE_NOT_SENT,
    leave_mode=texts.LEAVE_MODE_FOR_TAKE,
)
TRANSFER = OwnerKind(
    all=all_transfers,
    request=keys_request,
    result=KeysReady,
    apply="semblance.keys_apply",
    cancel="semblance.keys_cancel",
    not_sent=texts.KEYS_NOT_SENT,
    leave_mode=texts.LEAVE_MODE_FOR_KEYS,
)
KINDS = (PERSON, TAKE, TRANSFER)


def all_owners() -> Iterator[tuple[OwnerKind, Any]]:
    """Every owner of the file, with its kind."""
    for kind in KINDS:
        for _, owner in kind.all():
            yield kind, owner


def owner_of(uid: str) -> Any:
    """The owner of an id, or None."""
    return next((owner for _, owner in all_owners() if owner.uid == uid), None)


def kind_of(result: JobResult) -> OwnerKind:
    """The kind of owner whose job hands back such a result."""
    return next(kind for kind in KINDS if isinstance(result, kind.result))


def clear_result(owner: Any) -> None:
    """Forget the last job's error and warnings."""
    owner.error_code = owner.error_message = owner.error_hint = ""
    owner.warnings.clear()


def set_error(owner: Any, code: str, message: str, hint: str = "") -> None:
    """Say why the last job failed, or why none was started."""
    owner.error_code, owner.error_message, owner.error_hint = code, message, hint


def set_warnings(owner: Any, warnings: Iterable[tuple[str, str]]) -> None:
    """Keep what a job said, each (file's name or empty, sentence) once."""
    owner.warnings.clear()
    for file, message in dict.fromkeys(warnings):
        row = owner.warnings.add()
        row.file, row.message = file, message
