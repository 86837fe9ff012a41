"""Requests made up from the OpenAPI document: whatever comes, the server does not break."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import hypothesis
import pytest
import schemathesis
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.server.conftest import Server, start_server

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = start_server(tmp_path_factory.mktemp("fuzz") / "server", real=True, heartbeat_seconds=0.5)
    yield server
    log = (server.folder / "server.log").read_text()
    server.stop()
    assert '"level": "error"' not in log


def test_no_request_breaks_the_server(fuzzed: Server) -> None:
    headers = {"Authorization": f"Bearer {fuzzed.token}"}
    document = schemathesis.openapi.from_url(f"{fuzzed.url}/v1/openapi.json", headers=headers)
    settings = hypothesis.settings(
        max_examples=12,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    tried: Counter[str] = Counter()
    for found in document.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        if operation.path == "/v1/shutdown":
            continue
        for mode in GenerationMode:

            @settings
            @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
            def try_it(case: schemathesis.Case) -> None:
                response = case.call_and_validate(checks=CHECKS, headers=headers, timeout=10)
                tried[f"{response.status_code // 100}xx"] += 1

            try_it()
    assert tried["2xx"] and tried["4xx"] > 100 and not tried["5xx"], tried
    assert fuzzed.client.health().status == "ready"
