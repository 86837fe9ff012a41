"""A typed client of the server. The command line uses it for ``--server``."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ValidationError

from core.atomic import staged_output
from core.errors import BadInput, Cancelled, SemblanceError, UnreadableMedia
from core.progress import FrameReport, ProgressReport
from server.api.schemas import ErrorBody, FaceModels, File, Health, Job, Jobs, Rig, Rigs
from server.errors import ServerUnreachable, Unauthorized, error_from
from server.version import API_VERSION

_Model = TypeVar("_Model", bound=BaseModel)
_PATIENCE: Final = 20.0  # seconds without a server before a job that runs on it is given up
_SILENCE: Final = 30.0  # seconds; an event stream says something every ten
_PAUSE: Final = 0.5


class Client:
    """Calls one server. Every method may raise

    - ``ServerUnreachable``: nothing answers, or something that is no Semblance server,
    - ``Unauthorized``: the token is wrong,
    - the error that the server reports, as the class that it is here.
    """

    def __init__(self, url: str, token: str, timeout: float = 30.0) -> None:
        self._url = parse_address(url)
        if not token.isascii():
            raise Unauthorized("The token has letters that no token has.", "Copy it again from the server.")
        self._http = httpx.Client(
            base_url=self._url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=timeout,
            trust_env=not is_loopback(url),  # no proxy stands between this machine and itself
        )

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def health(self) -> Health:
        """Whether a server is there that this client can talk to."""
        health = self._ask(Health, "GET", "/v1/health")
        if health.api_version != API_VERSION:
            raise ServerUnreachable(
                f"The server at {self._url} speaks version {health.api_version} of the API; "
                f"this Semblance speaks version {API_VERSION}.",
                "Bring both to the same release.",
            )
        return health

    def models(self) -> FaceModels:
        return self._ask(FaceModels, "GET", "/v1/models")

    def shutdown(self) -> None:
        self._call("POST", "/v1/shutdown")

    def upload(self, path: Path) -> File:
        """Send a file.

        Raises:
            UnreadableMedia: it cannot be read here.
        """
        try:
            with path.open("rb") as stream:
                headers = {"X-Filename": quote(path.name), "Content-Type": "application/octet-stream"}
                return self._ask(File, "POST", "/v1/files", content=stream, headers=headers)
        except OSError as error:
            raise UnreadableMedia(
                f"{path} cannot be read ({error.strerror}).", "Check its name and permissions."
            ) from error

    def file(self, file_id: str) -> File:
        return self._ask(File, "GET", f"/v1/files/{file_id}/info")

    def delete_file(self, file_id: str) -> None:
        self._call("DELETE", f"/v1/files/{file_id}")

    def download(self, file_id: str, target: Path) -> None:
        """Fetch a file; ``target`` appears whole and checked. A connection that is cut is taken up again.

        Raises:
            OutputFailed: it cannot be written here.
        """
        wanted = self.file(file_id)
        with staged_output(target) as temporary, temporary.open("w+b") as stream:
            for attempt in self._attempts():
                try:
                    self._fetch(wanted, stream, attempt)
                except httpx.TransportError:
                    continue
                break
            stream.seek(0)
            if hashlib.file_digest(stream, "sha256").hexdigest() != wanted.sha256:
                raise ServerUnreachable(f"{wanted.name} arrived damaged.", "Fetch it again.")

    def _fetch(self, wanted: File, stream: BinaryIO, attempt: _Attempt) -> None:
        start = stream.tell()
        if start >= wanted.size:
            return
        headers = {"Range": f"bytes={start}-", "If-Range": f'"{wanted.sha256}"'}
        headers["Accept-Encoding"] = "identity"
        with self._http.stream("GET", f"/v1/files/{wanted.id}", headers=headers) as response:
            self._check(response)
            if start and response.status_code != 206:
                raise ServerUnreachable(f"{wanted.name} changed on the way.", "Fetch it again.")
            for piece in response.iter_bytes():
                stream.write(piece)
                attempt.succeeded()

    def submit(
        self,
        kind: str,
        *,
        files: Sequence[str] = (),
        rig: str | None = None,
        options: Mapping[str, Any] | None = None,
        key: str | None = None,
    ) -> Job:
        """Queue a job. Sending it again after a lost answer does not make two: it carries a key."""
        asked: dict[str, Any] = {"kind": kind, "options": dict(options or {})}
        if files:
            asked["files"] = list(files)
        if rig is not None:
            asked["rig"] = rig
        headers = {"Idempotency-Key": key or secrets.token_hex(16)}
        return self._ask(Job, "POST", "/v1/jobs", json=asked, headers=headers)

    def jobs(self, state: str | None = None, limit: int = 100, after: str | None = None) -> list[Job]:
        """Newest first."""
        asked = {"state": state, "limit": limit, "after": after}
        given = {name: value for name, value in asked.items() if value is not None}
        return self._ask(Jobs, "GET", "/v1/jobs", params=given).jobs

    def job(self, job_id: str) -> Job:
        return self._ask(Job, "GET", f"/v1/jobs/{job_id}")

    def cancel(self, job_id: str, keep: bool = False) -> Job:
        """Stop a job; with ``keep``, one that can ends as done, with what it has so far."""
        params = {"keep": "true"} if keep else {}
        return self._ask(Job, "POST", f"/v1/jobs/{job_id}/cancel", params=params)

    def preview(self, job_id: str) -> bytes:
        """A small JPEG of the frame that a running job works on."""
        return self._call("GET", f"/v1/jobs/{job_id}/preview").content

    def delete_job(self, job_id: str) -> None:
        self._call("DELETE", f"/v1/jobs/{job_id}")

    def events(self, job_id: str) -> Iterator[Job]:
        """The job as it is, then at each change, until it has ended; lost connections are taken up again."""
        last = ""
        for attempt in self._attempts():
            try:
                headers = {"Last-Event-ID": last} if last else {}
                path = f"/v1/jobs/{job_id}/events"
                with self._http.stream("GET", path, headers=headers, timeout=_SILENCE) as response:
                    self._check(response)
                    for last, data in _events(response.iter_lines()):  # noqa: B007  kept for the next attempt
                        attempt.succeeded()
                        job = _parsed(Job, data)
                        yield job
                        if job.is_final:
                            return
            except httpx.TransportError:
                continue

    def wait(self, job_id: str, listener: Callable[[ProgressReport], None] = lambda report: None) -> Job:
        """Follow a job to its end.

        Raises:
            Cancelled: somebody cancelled it.
            SemblanceError: it failed, with the error it failed with.
        """
        job = None
        for job in self.events(job_id):
            if job.stage and not job.is_final:
                frame = job.frame
                at = FrameReport(frame.number, frame.count, frame.time) if frame else None
                listener(ProgressReport(job.stage, job.fraction, job.seconds_left or 0.0, at))
        assert job is not None
        if job.error:
            raise error_from(job.error.code, job.error.message, job.error.hint)
        if job.state == "cancelled":
            raise Cancelled()
        return job

    def rigs(self) -> list[Rig]:
        """Newest first."""
        return self._ask(Rigs, "GET", "/v1/rigs").rigs

    def rig(self, rig_id: str) -> Rig:
        return self._ask(Rig, "GET", f"/v1/rigs/{rig_id}")

    def add_rig(self, file_id: str) -> tuple[Rig, bool]:
        """Make an uploaded .semrig file a rig; whether the server did not have it before."""
        response = self._call("POST", "/v1/rigs", json={"file": file_id})
        return _parsed(Rig, response.content), response.status_code == 201

    def delete_rig(self, rig_id: str) -> None:
        self._call("DELETE", f"/v1/rigs/{rig_id}")

    def _ask(self, model: type[_Model], method: str, path: str, **arguments: Any) -> _Model:
        return _parsed(model, self._call(method, path, **arguments).content)

    def _call(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        with self._reached():
            response = self._http.request(method, path, **arguments)
        self._check(response)
        return response

    def _check(self, response: httpx.Response) -> None:
        if response.status_code >= 400:
            response.read()
            raise _error_of(response)

    @contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except httpx.TransportError as error:
            raise ServerUnreachable(
                f"No server answers at {self._url} ({error or type(error).__name__}).",
                "Start one with `semblance serve`, or check the address.",
            ) from error

    def _attempts(self) -> Iterator[_Attempt]:
        """Attempts with pauses between them, for as long as one may still hope."""
        attempt = _Attempt()
        while True:
            yield attempt
            if time.monotonic() > attempt.hope_ends:
                with self._reached():
                    raise httpx.ConnectError("the connection was lost")
            time.sleep(_PAUSE)


class _Attempt:
    def __init__(self) -> None:
        self.succeeded()

    def succeeded(self) -> None:
        self.hope_ends = time.monotonic() + _PATIENCE


def parse_address(url: str) -> httpx.URL:
    """
    Raises:
        BadInput: it is no address of a server.
    """
    try:
        parsed = httpx.URL(url.rstrip("/"))
    except httpx.InvalidURL:
        parsed = httpx.URL()
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise BadInput(f"{url} is no address of a server.", "One looks like http://127.0.0.1:8765.")
    return parsed


def is_loopback(url: str) -> bool:
    """Whether the address is of this machine itself."""
    return parse_address(url).host in ("127.0.0.1", "localhost", "::1")


def _parsed(model: type[_Model], content: bytes | str) -> _Model:
    try:
        return model.model_validate_json(content)
    except ValidationError as error:
        raise ServerUnreachable(
            f"The server's answer cannot be understood ({error.error_count()} faults in {model.__name__}).",
            "Check that it is a Semblance server, of the same release.",
        ) from error


def _error_of(response: httpx.Response) -> SemblanceError:
    try:
        told = ErrorBody.model_validate_json(response.content).error
    except ValidationError:
        return ServerUnreachable(
            f"The server at {response.url.host} answers with status {response.status_code}.",
            "Check that it is a Semblance server.",
        )
    return error_from(told.code, told.message, told.hint)


def _events(lines: Iterator[str]) -> Iterator[tuple[str, str]]:
    """(id, data) of each server-sent event."""
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
        elif "data" in fields:
            yield fields.get("id", ""), fields["data"]
            fields = {}
        else:
            fields = {}
