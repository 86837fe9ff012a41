"""``semblance track --list-people``: who is in a clip, to choose from."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from server.cli.reporting import Reporter
from server.cli.workplaces import workplace


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
    with workplace(server, token, reporter) as place, TemporaryDirectory() as folder:
        told = Path(folder) / "people.json"
        also = {"people.jpg": picture, ".jpg": None}
        options = {"start": start, "end": end}
        place.job("people", told, also, files=[place.video(video)], options=options)
        found = json.loads(told.read_text(encoding="utf-8"))
    lines = [f"{picture} at {found['time']:.2f} s"]
    for person in found["people"]:
        x, y = person["point"]
        main = "  (the main face)" if person["main"] else ""
        lines.append(f"  {person['number']}  --at {x:.0f},{y:.0f}@{found['time']:.3f}{main}")
    reporter.result("\n".join(lines), written=[str(picture)], **found)
