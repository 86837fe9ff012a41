"""Figures for Prometheus, in a registry of their own."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from server.store import JobRecord, Store

_SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250)


class Metrics:
    """What the server counts."""

    content_type = CONTENT_TYPE_PLAIN_0_0_4

    def __init__(self, store: Store) -> None:
        self._registry = registry = CollectorRegistry()
        for state in ("queued", "running"):
            Gauge(f"semblance_jobs_{state}", f"Jobs that are {state}", registry=registry).set_function(
                lambda state=state: store.jobs.count(state)  # type: ignore[misc]
            )
        Gauge("semblance_storage_bytes", "Bytes of all files", registry=registry).set_function(
            lambda: store.files.used
        )
        self._ended = Counter(
            "semblance_jobs_ended_total", "Jobs by kind and final state", ["kind", "state"], registry=registry
        )
        self._failures = Counter(
            "semblance_job_failures_total", "Failed jobs by kind and error code", ["kind", "code"],
            registry=registry,
        )  # fmt: skip
        self._stages = Histogram(
            "semblance_job_stage_seconds", "Seconds of finished jobs by stage", ["kind", "stage"],
            registry=registry, buckets=_SECONDS,
        )  # fmt: skip
        self.workers_lost = Counter(
            "semblance_workers_lost_total", "Workers that died while they worked on a job", registry=registry
        )

    def ended(self, job: JobRecord) -> None:
        self._ended.labels(job.kind, job.state).inc()
        if job.error:
            self._failures.labels(job.kind, job.error.code).inc()
        for stage, seconds in job.seconds.items():
            self._stages.labels(job.kind, stage).observe(seconds)

    def text(self) -> bytes:
        return generate_latest(self._registry)
