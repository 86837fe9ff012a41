"""How fast the data engine renders, and how fast the loader reads.

    python -m tests.benchmarks.data_speed
    python -m tests.benchmarks.data_speed --models anny,ict --people 32 --workers 0,2,4

Rendering is timed on one core, as CPU time too (machines are shared); the loader with augmentation, from a
data set that was just written, so from the memory of the file system.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Annotated

import numba
import torch
import typer

from core.progress import Progress
from models.data.augment import Augmentation
from models.data.loader import PeopleDataset, PeopleSampler, batch_loader
from models.data.render import RenderJob, expected_seconds, make_renderer, render_dataset

_FRAMES_A_BATCH = 4


def main(
    models: Annotated[str, typer.Option(help="separated by commas")] = "anny",
    people: Annotated[int, typer.Option()] = 16,
    frames: Annotated[int, typer.Option()] = 8,
    workers: Annotated[str, typer.Option(help="of the loader, separated by commas")] = "0,2",
    seconds: Annotated[float, typer.Option(help="that each loader runs")] = 5.0,
) -> None:
    """Print images a second."""
    numba.set_num_threads(1)
    torch.set_num_threads(1)
    print("| what | images/s | images/s of CPU time |\n|---|---|---|")
    for model in models.split(","):
        with tempfile.TemporaryDirectory() as folder:
            job = RenderJob(model, people, frames, Path(folder))
            _time_rendering(job)
            render_dataset(job, 1, Progress(expected_seconds(people, frames, 1)))
            _time_loading(Path(folder), model, [int(count) for count in workers.split(",")], seconds)


def _time_rendering(job: RenderJob) -> None:
    renderer = make_renderer(job)
    renderer.person(10**6, 1)  # compiles
    wall, cpu = time.perf_counter(), time.process_time()
    for number in range(job.people):
        renderer.person(number, job.frames)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    count, what = job.people * job.frames, f"render {job.model}, one core, {job.frames} frames a person"
    print(f"| {what} | {count / wall:.1f} | {count / cpu:.1f} |")


def _time_loading(folder: Path, model: str, workers: list[int], seconds: float) -> None:
    for augmentation, name in ((None, "plain"), (Augmentation(), "augmented")):
        dataset = PeopleDataset(folder, augmentation)
        for count in workers:
            loader = batch_loader(dataset, PeopleSampler(dataset.person, 4, _FRAMES_A_BATCH), count)
            for _ in loader:
                pass  # starts the workers
            started, cpu, images = time.perf_counter(), time.process_time(), 0
            while time.perf_counter() - started < seconds:
                images += sum(len(batch) for batch in loader)
            wall, cpu = time.perf_counter() - started, time.process_time() - cpu
            own = f"{images / cpu:.0f}" if count == 0 else ""
            print(f"| load {model}, {name}, {count} workers | {images / wall:.0f} | {own} |")


if __name__ == "__main__":
    typer.run(main)
