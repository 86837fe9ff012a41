"""What the API sends. The client reads its answers into the same classes."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from server.store.records import FileRecord, JobRecord, RigRecord

JobStateName = Literal["queued", "running", "done", "failed", "cancelled"]
FileKindName = Literal["image", "rig", "track", "video", "mesh", "other"]


class ErrorDetail(BaseModel):
    """A stable code, a sentence, and what to do next."""

    code: str
    message: str
    hint: str = ""


class ErrorBody(BaseModel):
    """The body of every answer with a status of 400 or more."""

    error: ErrorDetail


class Health(BaseModel):
    status: Literal["ready"]
    version: str
    api_version: int
    pid: int
    worker: Literal["starting", "idle", "busy", "stopped"]
    device: str
    executor: Literal["local", "ray"]
    queued: int = Field(description="Jobs that wait.")
    started: str = Field(description="ISO 8601, UTC.")


class Stopping(BaseModel):
    status: Literal["stopping"] = "stopping"


class FaceModel(BaseModel):
    name: str
    licence: str
    state: Literal["ready", "on first use", "missing"]
    summary: str
    default: bool


class FaceModels(BaseModel):
    models: list[FaceModel]


class File(BaseModel):
    id: str
    name: str = Field(description="A label, never a path.")
    size: int
    sha256: str
    kind: FileKindName
    media_type: str
    created: str

    @staticmethod
    def of(record: FileRecord) -> File:
        return File(**vars(record))


class Warning(BaseModel):
    file: str | None = Field(description="The photo's name; null for the whole rig.")
    message: str


class Result(BaseModel):
    name: str
    file: str = Field(description="Id of `GET /v1/files/{id}`.")
    size: int
    sha256: str
    media_type: str


class JobFrame(BaseModel):
    """The frame of a video that a running job works on."""

    number: int = Field(description="From 1.")
    count: int = Field(description="How many there will be, about.")
    time: float = Field(description="Seconds since the video's first frame.")
    picture: int = Field(
        description="How many pictures there have been; `GET /v1/jobs/{id}/preview` gives the latest."
    )


class Job(BaseModel):
    id: str
    kind: str
    state: JobStateName
    files: list[str]
    options: dict[str, Any]
    created: str
    started: str | None
    finished: str | None
    attempt: int = Field(description="2 after its worker died once.")
    queue_position: int = Field(description="1 is next; 0 does not wait.")
    stage: str
    fraction: float
    seconds_left: float | None
    stopping: bool = Field(description="It runs, and was asked to end early with what it has.")
    frame: JobFrame | None
    seconds: dict[str, float] = Field(description="Measured, by stage, of a job that is done.")
    warnings: list[Warning]
    error: ErrorDetail | None
    rig: str | None = Field(description="The rig that was made, or that was given.")
    results: list[Result]

    @property
    def is_final(self) -> bool:
        return self.state in ("done", "failed", "cancelled")

    @staticmethod
    def of(record: JobRecord) -> Job:
        taken = {name: value for name, value in vars(record).items() if name in Job.model_fields}
        return Job(
            **{
                **taken,
                "files": list(record.files),
                "frame": JobFrame(**vars(record.frame)) if record.frame else None,
                "warnings": [Warning(**vars(warning)) for warning in record.warnings],
                "error": ErrorDetail(**vars(record.error)) if record.error else None,
                "results": [
                    Result(
                        name=file.name,
                        file=file.id,
                        size=file.size,
                        sha256=file.sha256,
                        media_type=file.media_type,
                    )
                    for file in record.results
                ],
            }
        )


class Jobs(BaseModel):
    jobs: list[Job]


class RigPhoto(BaseModel):
    file: str
    warnings: list[str]


class Rig(BaseModel):
    id: str
    name: str
    model: str
    model_licence: str
    created: str
    photos: list[RigPhoto]
    size: int
    file: str = Field(description="Id of the .semrig file.")

    @staticmethod
    def of(record: RigRecord) -> Rig:
        return Rig(
            id=record.id,
            name=record.name,
            model=record.model,
            model_licence=record.model_licence,
            created=record.created,
            photos=[RigPhoto(**photo) for photo in record.photos],
            size=record.file.size,
            file=record.file.id,
        )


class Rigs(BaseModel):
    rigs: list[Rig]


class NewRig(BaseModel):
    model_config = {"extra": "forbid"}
    file: str = Field(min_length=1, max_length=64, description="Id of an uploaded .semrig file.")
