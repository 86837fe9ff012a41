"""``semblance track --list-people``: who is in a clip, to choose from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from server.cli.reporting import Reporter


def print_people(
    video: Path,
    start: float,
    end: float | None,
    picture: Path,
    server: str | None,
    token: str | None,
    reporter: Reporter,
) -> None:
    """Print the people of the clip's first good frame, and write it with numbered boxes to ``picture``."""
    if server:
        from server.cli.remote import remote_people

        found = remote_people(server, token, video, {"start": start, "end": end}, picture, reporter)
    else:
        found = _find_here(video, start, end, picture, reporter)
    lines = [f"{picture} at {found['time']:.2f} s"]
    for person in found["people"]:
        x, y = person["point"]
        main = "  (the main face)" if person["main"] else ""
        lines.append(f"  {person['number']}  --at {x:.0f},{y:.0f}@{found['time']:.3f}{main}")
    reporter.result("\n".join(lines), written=[str(picture)], **found)


def _find_here(
    video: Path, start: float, end: float | None, picture: Path, reporter: Reporter
) -> dict[str, Any]:
    from core.atomic import staged_output
    from core.capture.clip_people import find_people, to_document

    with reporter.job("people", {"people": 2.0}) as progress, progress.stage("people"):
        found = find_people(video, start, end, progress.update)
    with staged_output(picture) as temporary:
        temporary.write_bytes(found.picture)
    return to_document(found)
