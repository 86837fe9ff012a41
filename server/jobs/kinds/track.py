"""A video to a track."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from server.jobs.registry import FileId, JobKind, Options, Request, RigId
from server.jobs.task import Outcome, Output, Reports, Task


class TrackJobOptions(Options):
    """As the options of `semblance track`."""

    name: Annotated[str, Field(max_length=200, description="Else the clip's.")] = ""
    start: Annotated[float, Field(ge=0, description="In point, seconds.")] = 0.0
    end: Annotated[float | None, Field(gt=0, description="Out point, seconds; else the clip's end.")] = None
    point: Annotated[
        tuple[float, float] | None,
        Field(description="Pixel (x, y) of the upright clip on the face to follow; else the main face."),
    ] = None
    point_time: Annotated[
        float | None, Field(ge=0, description="When the point is on the face, seconds; else at the in point.")
    ] = None
    smoothing: Annotated[float, Field(ge=0, le=5, description="Of the CSV and the clip.")] = 1.0
    csv: Annotated[bool, Field(description="Also make a Live Link Face CSV.")] = False
    check: Annotated[bool, Field(description="Also make a clip with wireframe and curves.")] = False


class TrackRequest(Request):
    """Track one person through a video; the first file is the video."""

    kind: Literal["track"]
    files: Annotated[list[FileId], Field(min_length=1, max_length=1)]
    rig: RigId | None = None
    options: TrackJobOptions = TrackJobOptions()


def _warm_up() -> None:
    import core.video_to_track  # noqa: F401


def _run(task: Task, reports: Reports) -> Outcome:
    from core.retarget.smoothing import smooth_track
    from core.rig import load_rig
    from core.track import save_track, write_livelink
    from core.video_to_track import TrackOptions, expected_for, track_video
    from models.prior.prior import LandmarkPrior

    chosen = TrackJobOptions.of(task)
    video = task.files[0]
    name = chosen.name or Path(video.label).stem
    options = TrackOptions(name, chosen.start, chosen.end, chosen.point, chosen.point_time)
    rig = load_rig(task.rig.path) if task.rig else None
    progress = reports.progress(expected_for(video.path, options, rig, chosen.check))
    with reports.gently() as finishing:
        made = track_video(video.path, options, rig, LandmarkPrior(), progress, finishing)
    source = made.track.source
    track = replace(
        made.track,
        source=source and replace(source, file=video.label),
        warnings=tuple(map(task.labels.text, made.track.warnings)),
    )
    outputs = [Output(task.folder / "track.semtrack", f"{name}.semtrack", "track", "application/x-semtrack")]
    save_track(track, outputs[0].path)
    if chosen.csv:
        outputs.append(Output(task.folder / "track.csv", f"{name}.csv", "other", "text/csv"))
        write_livelink(smooth_track(track, chosen.smoothing), outputs[-1].path)
    if chosen.check:
        from core.sheet.qc_clip import write_qc_clip

        outputs.append(Output(task.folder / "check.mp4", f"{name}.mp4", "video", "video/mp4"))
        with progress.stage("check clip"):
            shown = smooth_track(made.track, chosen.smoothing)
            write_qc_clip(video.path, shown, made.head, outputs[-1].path, progress.update)
    return Outcome(tuple(outputs), tuple((None, line) for line in track.warnings), progress.seconds)


KIND = JobKind("track", TrackRequest, _run, _warm_up, keeps=True)
