"""Jobs on a server (``--server``). What a command puts there it takes away again."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from core.errors import BadInput, OutputFailed, SemblanceError, UnreadableMedia
from server.api.schemas import Job
from server.cli.interruption import take_back
from server.cli.reporting import STOPPING, Reporter
from server.cli.work import Done, place_of_result
from server.client import Client, is_loopback
from server.errors import TooLarge, Unauthorized, UnsupportedMedia
from server.folder import read_token, server_folder
from server.jobs.registry import load_kind

_GOODBYE_SECONDS: Final = 8.0


def connect(url: str, token: str | None) -> Client:
    """A client of a server that answers.

    Without a token, that of this machine's own server is used, and sent to this machine alone.

    Raises:
        Unauthorized: there is no token, or it is wrong.
        ServerUnreachable: no server of this release answers.
    """
    if token is None and is_loopback(url):
        token = read_token(server_folder())
    if token is None:
        raise Unauthorized(
            "The server's token is not known.",
            "Give it with --token or in $SEMBLANCE_TOKEN. The file `token` of the server's folder holds it.",
        )
    client = Client(url, token.strip())
    client.health()
    return client


class RemoteWork:
    """A ``Workplace``: a server, and what must be cleaned up there."""

    def __init__(self, client: Client, reporter: Reporter) -> None:
        self._client = client
        self._reporter = reporter
        self._files: list[str] = []
        self._rigs: list[str] = []
        self._jobs: list[str] = []

    def photos(self, paths: Sequence[Path], strict: bool) -> list[str]:
        """Send photos; one that the server does not take is left out if others remain.

        Raises:
            UnreadableMedia: none is taken; with ``strict``, one is not.
        """
        sent: list[str] = []
        failures: list[UnreadableMedia] = []
        for path in paths:
            try:
                sent.append(self._upload(path))
            except (UnreadableMedia, UnsupportedMedia, TooLarge, BadInput) as error:
                local = isinstance(error, UnreadableMedia)
                failure = UnreadableMedia(error.message if local else f"{path}: {error.message}", error.hint)
                if strict or len(paths) == 1:
                    raise failure from error
                failures.append(failure)
        if not sent:
            told = " ".join(failure.message for failure in failures)
            raise UnreadableMedia(f"None of the photos can be used: {told}", failures[0].hint)
        for failure in failures:
            self._reporter.warning(f"A photo was left out: {failure.message}")
        return sent

    def video(self, path: Path) -> str:
        """Send a video; its id."""
        try:
            return self._upload(path)
        except (UnsupportedMedia, BadInput) as error:
            raise UnreadableMedia(f"{path}: {error.message}", error.hint) from error

    def rig(self, path: Path) -> str:
        """Send a rig, unless the server has it; its id."""
        from core.rig import load_rig_document

        load_rig_document(path)  # says in full what is wrong with a file
        rig, is_new = self._client.add_rig(self._upload(path))
        if is_new:
            self._files.remove(rig.file)
            self._rigs.append(rig.id)
        return rig.id

    def track(self, path: Path) -> str:
        """Send a track; its id."""
        from core.track import load_track_document, read_track, save_track

        if path.suffix.lower() == ".semtrack":
            load_track_document(path)  # says in full what is wrong with a file
            return self._upload(path)
        with tempfile.TemporaryDirectory(prefix="semblance-") as folder:
            brought = Path(folder) / f"{path.stem}.semtrack"
            save_track(read_track(path), brought)
            return self._upload(brought)

    def mesh(self, path: Path) -> str:
        """Send a mesh; its id."""
        from core.retarget.keyless.mesh import read_mesh

        read_mesh(path)  # says in full what is wrong with a file
        return self._upload(path)

    def _upload(self, path: Path) -> str:
        file = self._client.upload(path).id
        self._files.append(file)
        return file

    def job(
        self,
        kind: str,
        target: Path,
        also: Mapping[str, Path | None] | None = None,
        *,
        files: Sequence[str] = (),
        rig: str | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> Done:
        job = self._followed(kind, self._client.submit(kind, files=files, rig=rig, options=options))
        if job.rig and kind == "rig":
            self._rigs.append(job.rig)
        for warning in job.warnings:
            self._reporter.warning(warning.message)
        for result in job.results[1:]:
            if Path(result.name).name != result.name or result.name.startswith("."):
                raise OutputFailed(f"The server calls a result {result.name!r}.", "Check which server it is.")
            path = place_of_result(result.name, target, also)
            if path is not None:
                self._client.download(result.file, path)
        self._client.download(job.results[0].file, target)
        return Done(dict(job.seconds), job.rig)

    def _followed(self, kind: str, job: Job) -> Job:
        """The job at its end."""
        self._jobs.append(job.id)
        with self._reporter.listener(kind) as listener:
            try:
                return self._client.wait(job.id, listener)
            except KeyboardInterrupt:
                if not load_kind(kind).keeps or not take_back() or not self._ends_early(job.id):
                    raise
                return self._client.wait(job.id, listener)

    def _ends_early(self, job_id: str) -> bool:
        """Ask a job to end with what it has; whether there is something to wait for."""
        job = self._client.cancel(job_id, keep=True)
        if job.stopping:
            self._reporter.warning(STOPPING)
        return job.stopping or job.state == "done"

    def clean_up(self) -> None:
        """Cancel what still runs, and delete what this command put there, as far as that goes."""
        ends = time.monotonic() + _GOODBYE_SECONDS
        for job in self._jobs:
            with contextlib.suppress(SemblanceError):
                self._client.cancel(job)
                while not self._client.job(job).is_final and time.monotonic() < ends:
                    time.sleep(0.1)
                self._client.delete_job(job)
        for delete, ids in (
            (self._client.delete_rig, self._rigs),
            (self._client.delete_file, self._files),
        ):
            for each in ids:
                with contextlib.suppress(SemblanceError):
                    delete(each)


@contextlib.contextmanager
def working(url: str, token: str | None, reporter: Reporter) -> Iterator[RemoteWork]:
    """Work on a server; it is left as it was found, however the block ends."""
    with connect(url, token) as client:
        work = RemoteWork(client, reporter)
        try:
            yield work
        finally:
            work.clean_up()
