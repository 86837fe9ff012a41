"""Job kinds by name. A new kind is a module with a ``KIND``, named in ``server.settings.KINDS``."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field

from server.jobs.task import Outcome, Reports, Task

FileId = Annotated[str, Field(min_length=1, max_length=64, description="Of `POST /v1/files`.")]
RigId = Annotated[str, Field(min_length=1, max_length=64, description="Of `GET /v1/rigs`.")]


class Request(BaseModel):
    """What a client sends to start a job; kinds add what they take of ``files``, ``rig``, ``options``."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    kind: str


class Options(BaseModel):
    """Options of a job; a misspelt one is an error."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    @classmethod
    def of(cls, task: Task) -> Self:
        """The options of a task of this kind."""
        return task.options if isinstance(task.options, cls) else cls(**dict(task.options))


@dataclass(frozen=True)
class JobKind:
    """One kind of job. Its module is light: what is slow to load is imported by ``warm_up`` and ``run``.

    Attributes:
        name: as clients write it.
        request: what they send.
        run: the recipe: does the work, in a worker or in the command line's own process.
        warm_up: loads what ``run`` needs, in a worker that has nothing to do yet.
        check: refuses a request before it is queued, by an error of ``core.errors``.
        keeps: whether a job that is stopped early can keep what it has so far; it does that part of its work
            in a ``Reports.gently``.
    """

    name: str
    request: type[Request]
    run: Callable[[Task, Reports], Outcome]
    warm_up: Callable[[], None] = lambda: None
    check: Callable[[Request], None] = lambda request: None
    keeps: bool = False

    def own_options(self, given: Mapping[str, Any]) -> Options:
        """Options from the command line: the limits of the API are not theirs, who uses them checks them."""
        kind: type[Options] = self.request.model_fields["options"].annotation  # type: ignore[assignment]
        return kind.model_construct(**given)


def load_kinds(modules: Sequence[str]) -> Mapping[str, JobKind]:
    """The kinds of those modules, by name."""
    loaded: list[JobKind] = [importlib.import_module(module).KIND for module in modules]
    return {kind.name: kind for kind in loaded}


def load_kind(name: str) -> JobKind:
    """One of Semblance's own kinds, whose module has its name."""
    return load_kinds([f"server.jobs.kinds.{name}"])[name]
