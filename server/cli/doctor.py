"""``semblance doctor``: is everything there?"""

from __future__ import annotations

import typer

from server.cli.exits import EXIT_CODES
from server.cli.options import Debug, Json
from server.cli.reporting import Reporter

_SIGNS = {"ok": ("ok", "green"), "note": ("--", "yellow"), "missing": ("!!", "red")}


def doctor(json: Json = False, debug: Debug = False) -> None:
    """Say what is installed and used, and what to do about what is missing."""
    from rich.console import Console
    from rich.markup import escape

    from server.diagnosis import diagnose

    findings = diagnose()
    works = all(finding.state != "missing" for finding in findings)
    if json:
        Reporter(json).result("", ready=works, findings=[vars(finding) for finding in findings])
    else:
        console = Console(highlight=False, soft_wrap=True)
        for finding in findings:
            sign, colour = _SIGNS[finding.state]
            console.print(f"[{colour}]{sign}[/]  {finding.topic:<12} {escape(finding.text)}")
            if finding.remedy:
                console.print(f"{'':16} {escape(finding.remedy)}", style="dim")
        console.print(
            "Rigs can be made." if works else "Rigs cannot be made until the lines with !! are settled."
        )
    if not works:
        raise typer.Exit(EXIT_CODES["dependency_missing"])
