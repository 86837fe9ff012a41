"""Render a data set: shards of random people, in parallel, going on where a stopped run was."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import filelock
import numba
import numpy as np
import torch

from core.errors import BadInput, Cancelled, DataUnreadable, SemblanceError
from core.face_model.registry import load_model
from core.progress import Progress
from models.crops import SIDE
from models.data.albedo import load_albedo
from models.data.expressions import ExpressionSampler
from models.data.performance import Performer
from models.data.scene import MODELS, PeopleRenderer
from models.data.shards import DATASET_FILE, Shard, read_dataset_file, write_dataset_file, write_shard
from models.data.take import read_take, training_half
from models.data.textures import TexturePainter
from models.mirror import Mirror, learn_mirror, write_mirror

PEOPLE_A_SHARD: Final = 16
STAGE: Final = "rendering"
_GENERATOR: Final = 1  # raised when the same seed gives other pictures
_SECONDS_A_FRAME: Final = 0.15
_PORTRAIT: Final = "NASA's portrait of Eileen Collins, from scikit-image: public domain"


@dataclass(frozen=True)
class RenderJob:
    """What to render.

    Attributes:
        people, frames: how many people, and pictures of each.
        take: Live Link Face CSV of which the first half is used; the second is for tests.
        seen: look at the pictures with MediaPipe's landmark network too.
    """

    model: str
    people: int
    frames: int
    out: Path
    seed: int = 0
    take: Path | None = None
    seen: bool = False


def render_dataset(job: RenderJob, workers: int, progress: Progress) -> int:
    """Render the shards that are not there yet; returns how many were.

    Args:
        progress: must know the stage ``rendering``; asked after every person whether to stop.

    Raises:
        BadInput: the numbers or the model make no sense, the folder holds another data set, or another run
            is writing to it.
        OutputFailed: the folder cannot be written or the disk is full.
        Cancelled: the user asked to stop; complete shards stay.
        SemblanceError: the face model is missing, the take cannot be read, or a worker died.
    """
    if job.model not in MODELS or min(job.people, job.frames, workers) < 1:
        names = " or ".join(MODELS)
        raise BadInput(f"A data set needs a model ({names}), one person, frame and worker or more.")
    facts, mirror = _facts(job)
    if (job.out / DATASET_FILE).exists():
        _check_same(job.out, facts)
    write_dataset_file(job.out, facts)
    with _alone_in(job.out), progress.stage(STAGE):
        _sweep(job.out)
        write_mirror(job.out, mirror)
        missing = [shard for shard in range(-(-job.people // PEOPLE_A_SHARD)) if not _is_there(job, shard)]
        total = sum(len(_numbers(job, shard)) for shard in missing)
        done = iter(range(1, total + 1))

        def told() -> None:
            progress.update(next(done) / total)

        if missing and min(workers, len(missing)) == 1:
            renderer = make_renderer(job)
            for shard in missing:
                render_shard(job, renderer, shard, told)
        elif missing:
            _in_parallel(job, missing, min(workers, len(missing)), told, progress.cancelled)
    return len(missing)


def expected_seconds(people: int, frames: int, workers: int) -> dict[str, float]:
    """Stages and rough durations, for :class:`core.progress.Progress`."""
    return {STAGE: 10 + _SECONDS_A_FRAME * people * frames / workers}


def shard_file(folder: Path, model: str, shard: int) -> Path:
    """Where a shard is written."""
    return folder / f"{model}-{shard:06d}.npz"


def render_shard(
    job: RenderJob, renderer: PeopleRenderer, shard: int, told: Callable[[], None] = lambda: None
) -> None:
    """Render and write one shard; ``told`` is called after every person, and may raise to stop."""
    people = []
    for number in _numbers(job, shard):
        people.append(renderer.person(number, job.frames))
        told()
    labels = {
        name: np.concatenate([person.labels[name] for person in people]) for name in people[0].labels
    }  # fmt: skip
    images = [image for person in people for image in person.images]
    skins = [skin for person in people for skin in person.skins]
    write_shard(shard_file(job.out, job.model, shard), images, skins, labels)


def make_renderer(job: RenderJob) -> PeopleRenderer:
    """What renders a job's people.

    Raises:
        SemblanceError: the face model is missing or the take cannot be read.
    """
    model = load_model(job.model)
    painter = TexturePainter(model)
    take = training_half(read_take(job.take)) if job.take else None
    performer = Performer(ExpressionSampler(take))
    return PeopleRenderer(
        model, load_albedo(model, painter), performer, job.seed, painter=painter, seen=job.seen
    )


def _numbers(job: RenderJob, shard: int) -> range:
    return range(shard * PEOPLE_A_SHARD, min((shard + 1) * PEOPLE_A_SHARD, job.people))


def _facts(job: RenderJob) -> tuple[dict[str, Any], Mirror]:
    model = load_model(job.model)
    albedo = load_albedo(model)
    take = hashlib.sha256(job.take.read_bytes()).hexdigest() if job.take and job.take.is_file() else None
    if job.take:
        read_take(job.take)  # complain before anything is written
    sources = {"heads and expressions": model.licence, "skins": f"own, painted; {_PORTRAIT}"}
    if job.take:
        sources["half of the expressions"] = f"first half of the user's take {job.take.name}"
    facts = {
        "kind": "rendered", "model": job.model, "identity_modes": len(model.identity_basis),
        "albedo_modes": len(albedo.modes), "side": SIDE, "people": job.people,
        "frames": job.frames, "people_a_shard": PEOPLE_A_SHARD, "seed": job.seed, "seen": job.seen,
        "take_sha256": take, "generator": _GENERATOR, "sources": sources,
    }  # fmt: skip
    return facts, learn_mirror(model, albedo.mirrored)


def _check_same(folder: Path, facts: dict[str, Any]) -> None:
    """More people may be asked for; all else must be as it was."""
    kept = read_dataset_file(folder)
    differs = [name for name, value in facts.items() if name != "people" and kept.get(name) != value]
    if differs:
        raise BadInput(
            f"{folder} holds a data set of other settings ({', '.join(differs)}).",
            "Choose another folder with --out, or repeat the settings in its dataset.json.",
        )
    facts["people"] = max(facts["people"], int(kept.get("people", 0)))


def _is_there(job: RenderJob, shard: int) -> bool:
    """Whether a shard is complete; one that ended at a smaller number of people is not."""
    file = shard_file(job.out, job.model, shard)
    if not file.exists():
        return False
    try:
        return len(Shard(file)) >= len(_numbers(job, shard)) * job.frames
    except DataUnreadable:
        return False


def _sweep(folder: Path) -> None:
    """Remove what a killed run left half written."""
    for left in folder.glob(".*.tmp"):
        shutil.rmtree(left, ignore_errors=True)


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    lock = filelock.FileLock(folder / ".lock", timeout=0)
    try:
        with lock:
            yield
    except filelock.Timeout:
        raise BadInput(
            f"Another run is writing to {folder}.", "Wait for it, or choose another folder."
        ) from None


_worker: PeopleRenderer | None = None
_worker_job: RenderJob | None = None
_stop: Any = None
_count: Any = None


def _start_worker(job: RenderJob, stop: Any, count: Any) -> None:
    global _worker, _worker_job, _stop, _count
    torch.set_num_threads(1)
    numba.set_num_threads(1)
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    _worker, _worker_job, _stop, _count = make_renderer(job), job, stop, count


def _end_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def _work(shard: int) -> None:
    assert _worker is not None and _worker_job is not None

    def told() -> None:
        with _count.get_lock():
            _count.value += 1
        if _stop.is_set():
            raise Cancelled()

    render_shard(_worker_job, _worker, shard, told)


def _in_parallel(
    job: RenderJob,
    shards: list[int],
    workers: int,
    told: Callable[[], None],
    cancelled: Callable[[], bool],
) -> None:
    context = multiprocessing.get_context("spawn")  # numba, OpenCV and MediaPipe do not survive a fork
    stop, count = context.Event(), context.Value("q", 0)
    pool = ProcessPoolExecutor(workers, context, _start_worker, (job, stop, count))
    heard = 0
    try:
        waiting: set[Future[None]] = _submitted(pool, shards)
        while waiting:
            ended, waiting = wait(waiting, timeout=0.5, return_when=FIRST_COMPLETED)
            for future in ended:
                future.result()
            while heard < count.value:
                heard += 1
                told()
            if cancelled():
                raise Cancelled()
    except BrokenProcessPool as error:
        raise SemblanceError(
            "A worker process died while it rendered, perhaps for lack of memory.",
            "Run the command again, with fewer --workers: it goes on where it was.",
        ) from error
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)


def _submitted(pool: ProcessPoolExecutor, shards: list[int]) -> set[Future[None]]:
    """Hand out the shards; workers are started deaf to Ctrl-C, which is for this process to deal with."""
    if threading.current_thread() is not threading.main_thread():
        return {pool.submit(_work, shard) for shard in shards}
    usual = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return {pool.submit(_work, shard) for shard in shards}
    finally:
        signal.signal(signal.SIGINT, usual)
