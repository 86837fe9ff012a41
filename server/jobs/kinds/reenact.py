"""A photo and a performance to pictures of the photo's person performing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from server.jobs.registry import FileId, JobKind, Options, Request, RigId
from server.jobs.task import Input, Outcome, Output, Reports, Task

if TYPE_CHECKING:
    from core.progress import Progress
    from core.rig import Rig
    from core.track import Track


class ReenactJobOptions(Options):
    """As the options of `semblance reenact`."""

    name: Annotated[str, Field(max_length=200, description="Of the result; else the driver's.")] = ""
    photo: Annotated[int, Field(ge=1, le=20, description="Which of the rig's photos performs.")] = 1
    motion: Annotated[
        Literal["auto", "relative", "absolute"],
        Field(
            description="Of the driver: what it changes since its rest, or as it is; `auto` is absolute "
            "where a track is of the rig's own person."
        ),
    ] = "auto"
    parts: Annotated[
        Literal["all", "expression", "pose"], Field(description="What is taken of the driver.")
    ] = "all"
    rest: Annotated[
        float | None, Field(ge=0, description="When the driver is at rest, seconds; else its calmest moment.")
    ] = None
    size: Annotated[
        int | None,
        Field(ge=32, le=4096, description="Longer side of the pictures, pixels; else the photo's."),
    ] = None
    smoothing: Annotated[float, Field(ge=0, le=5)] = 1.0
    network: Annotated[
        Literal["none"], Field(description="What paints the pictures; `none`: geometry alone makes them.")
    ] = "none"
    sound: Annotated[bool, Field(description="Copy the sound of the driver's clip.")] = False
    pictures: Annotated[
        bool, Field(description="Make PNGs with the person's matte as alpha, in a .zip, in place of an .mp4.")
    ] = False


class ReenactRequest(Request):
    """Let a photo perform.

    The first file is the driver, a video or a track. The second is a photo: a rig is built from it, or, with
    a rig, it is the file of the rig's photo.
    """

    kind: Literal["reenact"]
    files: Annotated[list[FileId], Field(min_length=1, max_length=2)]
    rig: RigId | None = None
    options: ReenactJobOptions = ReenactJobOptions()


def _check(request: Request) -> None:
    from core.errors import BadInput

    assert isinstance(request, ReenactRequest)
    if request.rig is None and len(request.files) == 1:
        raise BadInput("No photo and no rig were given.", "Send a rig, or a photo as the second file.")
    if request.options.sound and request.options.pictures:
        raise BadInput("Pictures hold no sound.", "Ask for one of the two.")


def _warm_up() -> None:
    import core.photo_to_reenactment
    import core.photos_to_rig
    import core.video_to_track  # noqa: F401


def _run(task: Task, reports: Reports) -> Outcome:
    from core.capture.photos import load_photo
    from core.credentials import configured_credentials
    from core.photo_to_reenactment import ReenactOptions, reenact
    from core.rig import load_rig
    from models.recognition import load_recogniser

    chosen = ReenactJobOptions.of(task)
    driver, photo = task.files[0], task.files[1] if len(task.files) > 1 else None
    credentials = configured_credentials()
    known, stages = _known_track(driver, chosen.sound)
    if task.rig is None:
        stages = {"rig": _rig_seconds(), **stages}
    progress = reports.progress(stages)
    said: list[str] = []
    if task.rig is not None:
        rig = load_rig(task.rig.path)
    else:
        assert photo is not None
        rig = _built(photo, progress)
        said += [*rig.warnings, *(line for shown in rig.photos for line in shown.warnings)]
    options = ReenactOptions(
        chosen.photo, chosen.motion, chosen.parts, chosen.rest, chosen.size, chosen.smoothing
    )
    name = chosen.name or Path(driver.label).stem
    output = Output(task.folder / "reenactment.mp4", f"{name}.mp4", "video", "video/mp4")
    if chosen.pictures:
        output = Output(task.folder / "reenactment.zip", f"{name}.zip", "other", "application/zip")
    with reports.gently() as finishing:
        track = known or _tracked(driver, progress, finishing)
        said += track.warnings
        # a stop while the clip was tracked keeps that much of it, and shows it whole
        stopped_early = known is None and track.partial
        made = reenact(
            rig,
            track,
            output.path,
            options,
            photo=None if photo is None else load_photo(photo.path),
            sound=driver.path if chosen.sound else None,
            recogniser=load_recogniser(),
            credentials=credentials,
            progress=progress,
            stopped=lambda: not stopped_early and finishing(),
        )
    warnings = dict.fromkeys(map(task.labels.text, [*said, *made.warnings]))
    return Outcome((output,), tuple((None, line) for line in warnings), progress.seconds)


def _known_track(driver: Input, sound: bool) -> tuple[Track | None, dict[str, float]]:
    """The driver where it is a track already, and the stages that are left.

    Raises:
        BadInput: the sound of a track is wanted.
        UnreadableMedia, TrackUnreadable: the driver cannot be read.
    """
    import zipfile

    from core.capture.look_through import frames_between
    from core.capture.video import probe_video
    from core.errors import BadInput
    from core.face_model.providers import DEFAULT_MODEL
    from core.photo_to_reenactment import expected_seconds
    from core.track import load_track
    from core.video_to_track import expected_seconds as track_seconds

    is_track = driver.label.lower().endswith(
        ".semtrack"
    )  # by its name too, so that a damaged one is said to be
    if is_track or zipfile.is_zipfile(driver.path):
        if sound:
            raise BadInput(
                f"{driver.path} is a track and has no sound.", "Give the clip itself, or leave out --sound."
            )
        track = load_track(driver.path)
        return track, expected_seconds(len(track.times))
    frames = frames_between(probe_video(driver.path), 0.0, None)
    return None, {"track": sum(track_seconds(DEFAULT_MODEL, frames).values()), **expected_seconds(frames)}


def _tracked(driver: Input, progress: Progress, stopped: Callable[[], bool]) -> Track:
    from core.video_to_track import TrackOptions, expected_for, track_video
    from models.prior.prior import LandmarkPrior

    options = TrackOptions(Path(driver.label).stem)
    with progress.stage("track"):
        inside = progress.inside(expected_for(driver.path, options, None, False))
        return track_video(driver.path, options, None, LandmarkPrior(), inside, stopped).track


def _rig_seconds() -> float:
    from core.face_model.providers import DEFAULT_MODEL
    from core.photos_to_rig import RigOptions, expected_seconds

    return sum(expected_seconds(DEFAULT_MODEL, 1, RigOptions()).values())


def _built(photo: Input, progress: Progress) -> Rig:
    from core.face_model.providers import DEFAULT_MODEL
    from core.photos_to_rig import RigOptions, build_rig, expected_seconds
    from models.face_reader import rig_reader

    options = RigOptions(Path(photo.label).stem)
    with progress.stage("rig"):
        inside = progress.inside(expected_seconds(DEFAULT_MODEL, 1, options))
        return build_rig([photo.path], DEFAULT_MODEL, options, inside, None, rig_reader())


KIND = JobKind("reenact", ReenactRequest, _run, _warm_up, _check, keeps=True)
