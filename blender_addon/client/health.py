# SPDX-License-Identifier: GPL-3.0-or-later
"""Is there a server, and is it one that this add-on can speak to?"""

from __future__ import annotations

from .errors import Fault, NotRunning, Unreachable, WrongVersion
from .http import Address, call
from .local.folder import local_address
from .messages import LocalServer, Models, RemoteServer, ServerState, Target

API_VERSION = 1


def address_of(target: Target) -> Address:
    """Where to call; asked before every attempt, since a restarted server has another port.

    Raises:
        NotRunning: the local server left no address.
        Fault: Blender may not go online, or no address was typed in.
    """
    if isinstance(target, LocalServer):
        return local_address(target.folder)
    if isinstance(target, RemoteServer):
        if not target.url:
            raise Fault("No server is chosen.", "Type its address into the preferences.", "no_address")
        return Address(target.url, target.token.strip())
    raise Fault(
        "Blender is not allowed to go online.",
        "Turn on Allow Online Access in Preferences > System, or use a server on this computer.",
        "offline",
    )


def check_version(api_version: object) -> None:
    """Raises: WrongVersion, with a sentence that says which side to update."""
    if api_version == API_VERSION:
        return
    if isinstance(api_version, int) and api_version > API_VERSION:
        raise WrongVersion(
            f"The server is newer than this add-on (interface {api_version}, the add-on's is {API_VERSION}).",
            "Update the Semblance add-on: install the newest semblance.zip, then restart Blender.",
        )
    raise WrongVersion(
        f"The server is older than this add-on (interface {api_version}, the add-on's is {API_VERSION}).",
        "Update the server: run pip install --upgrade in its Python environment, then start it again.",
    )


def server_state(target: Target) -> ServerState:
    """Ask for the health; never raises."""
    url = ""
    try:
        address = address_of(target)
        url = address.url
        health = call(address, "GET", "/v1/health")
        if not isinstance(health, dict):
            raise Fault("The server's answer is not Semblance's.", "Check the address.", "not_semblance")
        check_version(health.get("api_version"))
        return ServerState(
            "ready",
            url,
            version=str(health.get("version", "")),
            device=str(health.get("device", "")),
            worker=str(health.get("worker", "")),
            queued=int(health.get("queued") or 0),
        )
    except NotRunning as error:
        return ServerState("stopped", url, code=error.code, message=error.message, hint=error.hint)
    except Unreachable as error:
        # A local server that was killed leaves its address behind.
        state = "stopped" if isinstance(target, LocalServer) else "unreachable"
        return ServerState(state, url, code=error.code, message=error.message, hint=error.hint)
    except Fault as error:
        state = "offline" if error.code == "offline" else "wrong"
        return ServerState(state, url, code=error.code, message=error.message, hint=error.hint)


def models(address: Address) -> Models:
    """The server's face models, the default first.

    Raises:
        Fault: no answer, or an error.
    """
    found = call(address, "GET", "/v1/models")["models"]
    rows = sorted(found, key=lambda row: not row.get("default"))
    return Models(
        tuple(
            (str(row["name"]), str(row.get("licence") or ""), str(row.get("state") or ""),
             str(row.get("summary") or ""))
            for row in rows
        )
    )  # fmt: skip
