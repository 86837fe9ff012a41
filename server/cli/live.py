"""``semblance live``: tracks a camera, or a file at its own pace, while others listen."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.errors import BadInput
from server.cli.files import check_output
from server.cli.options import Debug, Force, Json

if TYPE_CHECKING:
    import threading

    from core.live.feed import FrameSource
    from core.live.frame import LiveFrame
    from core.live.statistics import Pace
    from core.rig import Rig


def live(
    source: Annotated[
        str, typer.Argument(help="A camera's number (0 is the first) or device, or a video file.")
    ],
    rig: Annotated[
        Path | None, typer.Option(help="The person's .semrig: their own head, and whom to follow.")
    ] = None,
    port: Annotated[
        int, typer.Option(help="Port on 127.0.0.1; 0 for one that is free.", min=0, max=65535)
    ] = 0,
    record: Annotated[
        Path | None, typer.Option(help="Also write what is shown, as a .semtrack or a Live Link Face .csv.")
    ] = None,
    speed: Annotated[float, typer.Option(min=0.01, max=100.0, help="Of a file.")] = 1.0,
    loop: Annotated[bool, typer.Option("--loop", help="Begin a file again at its end.")] = False,
    smoothing: Annotated[float, typer.Option(min=0.0, max=5.0, help="0 leaves the jitter in.")] = 1.0,
    at: Annotated[
        str | None,
        typer.Option(
            metavar="X,Y",
            help="Pixel of the first frame on the face to follow.",
            show_default="the main face",
        ),
    ] = None,
    livelink: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="Also send to Unreal Engine, as Live Link Face does."),
    ] = None,
    folder: Annotated[
        Path | None, typer.Option(help="Where the token lies.", show_default="$SEMBLANCE_SERVER or yours")
    ] = None,
    leash: Annotated[bool, typer.Option("--leash", hidden=True, help="End with standard input.")] = False,
    force: Force = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Track a camera, or a file at its own pace, until Ctrl-C; Blender and other programs may listen."""
    from server.cli.track import place_of

    if record:
        check_output(record, (".semtrack", ".csv"), force)
    point, seconds = place_of(at)
    if seconds is not None:
        raise BadInput("A live face is chosen in the first frame.", "Write X,Y in pixels, without a time.")

    from core.live.feed import Feed
    from core.live.session import run_live
    from core.live.tracker import LiveOptions, LiveTracker
    from core.rig import load_rig
    from models.prior.prior import LandmarkPrior
    from server.cli.interruption import ending_quietly
    from server.folder import server_folder, token_file
    from server.live.livelink_out import LiveLinkSender
    from server.live.messages import FrameWriter, hello, state
    from server.live.serving import LiveServer

    person = load_rig(rig) if rig else None
    sender = LiveLinkSender(livelink) if livelink else None
    chosen = _open(source, speed, loop)
    status = _Status(json)
    home = folder or server_folder()
    frames: list[LiveFrame] = []
    writer = FrameWriter()
    with ending_quietly() as ended:
        if leash:
            _hold(ended)
        server = LiveServer(home, hello(chosen, person.rig_id if person else None), port)

        def show(frame: LiveFrame) -> None:
            server.publish(writer(frame))
            if sender:
                sender(frame)
            if record:
                frames.append(frame)

        def tell(pace: Pace, found: bool) -> None:
            server.publish(state(pace, found))
            status.tell(pace, found)

        try:
            with server:
                status.ready(server.url, str(token_file(home).absolute()), chosen.name)
                with LiveTracker(person, LandmarkPrior(), LiveOptions(smoothing, point)) as tracker:
                    tracker.warm_up(chosen.size)
                    with Feed(chosen) as feed:
                        pace = run_live(feed, tracker, show, tell, ended.is_set)
        finally:
            chosen.close()
            if sender:
                sender.close()
            status.close()
            if record and frames:
                _record(frames, record, chosen, person)
                status.written(record, len(frames))
    status.result(pace)


def _open(source: str, speed: float, loop: bool) -> FrameSource:
    if source.isascii() and source.isdigit():
        from core.live.camera import CameraSource

        return CameraSource(int(source))
    if Path(source).is_char_device() or source.startswith("/dev/"):
        from core.live.camera import CameraSource

        return CameraSource(source)
    from core.live.sources import FileSource

    return FileSource(Path(source), speed, loop)


def _record(frames: list[LiveFrame], path: Path, source: FrameSource, rig: Rig | None) -> None:
    from core.live.take import track_of
    from core.track import Source, write_track

    track = track_of(frames, path.stem, Source(source.name, *source.size), rig.rig_id if rig else None)
    write_track(track, path)


def _hold(ended: threading.Event) -> None:
    """End when standard input does: with the program that started this one, however that ends."""
    import threading

    def wait() -> None:
        while sys.stdin.buffer.read(4096):
            pass
        ended.set()

    threading.Thread(target=wait, daemon=True).start()


class _Status:
    """One line on a terminal, a line now and then elsewhere, JSON for machines."""

    _EVERY = 10  # tellings between two lines that stay

    def __init__(self, as_json: bool) -> None:
        self._json = as_json
        self._bar = not as_json and sys.stderr.isatty()
        self._told = 0

    def ready(self, url: str, token: str, source: str) -> None:
        if self._json:
            self._emit("ready", url=url, token_file=token, source=source)
        else:
            print(f"Tracking {source}; listen at {url} (token: {token}). Ctrl-C ends it.", flush=True)

    def tell(self, pace: Pace, found: bool) -> None:
        self._told += 1
        if self._bar:
            print(f"\r\033[K{_words(pace, found)}", end="", file=sys.stderr, flush=True)
        elif self._told % self._EVERY == 1:
            if self._json:
                self._emit("state", found=found, **_figures(pace))
            else:
                print(_words(pace, found), file=sys.stderr, flush=True)

    def close(self) -> None:
        if self._bar:
            print(file=sys.stderr)

    def written(self, path: Path, frames: int) -> None:
        if self._json:
            self._emit("result", written=[str(path)], frames=frames)
        else:
            print(f"{path} ({frames} frames)", flush=True)

    def result(self, pace: Pace) -> None:
        if self._json:
            self._emit("end", **_figures(pace))

    @staticmethod
    def _emit(event: str, **facts: object) -> None:
        import json

        print(json.dumps({"event": event, **facts}), flush=True)


def _figures(pace: Pace) -> dict[str, object]:
    return {name: round(value, 1) for name, value in vars(pace).items()}


def _words(pace: Pace, found: bool) -> str:
    face = "face found" if found else "no face"
    return f"{pace.fps:4.1f} fps  {pace.latency_ms:3.0f} ms (95 %: {pace.latency_ms_95:.0f})  {face}"
