"""The metrics for Prometheus. Each daemon has its own registry, so that several daemons can run in one process, as in tests."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 1800)


class Metrics:
    """All metrics of one daemon."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        self.jobs = Counter("dothis_jobs", "Jobs that ended, by status and error code", ["status", "code"], registry=registry)
        self.attempts_failed = Counter(
            "dothis_attempts_failed",
            "Attempts that failed, by error code; the job may be tried again",
            ["code"],
            registry=registry,
        )
        self.handed_back = Counter("dothis_jobs_handed_back", "Jobs handed back at shutdown", registry=registry)
        self.claims_lost = Counter("dothis_claims_lost", "Claims that another worker won", registry=registry)
        self.messages = Counter(
            "dothis_messages", "Messages of the subscription, by what became of them", ["outcome"], registry=registry
        )
        self.takeovers = Counter("dothis_lease_takeovers", "Jobs taken over after their lease was over", registry=registry)
        self.leases_lost = Counter(
            "dothis_leases_lost", "Jobs lost to another worker, or deleted, while worked on", registry=registry
        )
        self.watch_restarts = Counter("dothis_watch_restarts", "Watches made anew", registry=registry)
        self.sweeps = Counter("dothis_sweeps", "Sweeps, by outcome", ["outcome"], registry=registry)
        self.stage_seconds = Histogram(
            "dothis_stage_seconds", "Duration of a stage", ["stage"], buckets=SECONDS, registry=registry
        )
        self.queue_wait = Histogram(
            "dothis_queue_wait_seconds", "From createdAt to the first claim", buckets=SECONDS, registry=registry
        )
        self.queue_age = Gauge(
            "dothis_queue_age_seconds", "Age of the oldest uploaded or waiting job at the last sweep", registry=registry
        )
        self.backlog = Gauge(
            "dothis_backlog",
            "Jobs that a sweep found, by status; a sweep looks at a bounded number",
            ["status"],
            registry=registry,
        )
        self.refusals = Gauge(
            "dothis_storage_refusals",
            "Jobs in a row that the storage refused: no bucket, no right",
            registry=registry,
        )
        self.pushes = Counter("dothis_pushes", "Messages to devices, by what became of them", ["outcome"], registry=registry)
        self.running = Gauge("dothis_jobs_running", "Jobs that this daemon is working on", registry=registry)
        self.spool_bytes = Gauge("dothis_spool_bytes", "What unfinished jobs take on the volume", registry=registry)
        self.free_bytes = Gauge("dothis_volume_free_bytes", "Free space on the volume beyond what is kept", registry=registry)
        self.last_sweep = Gauge("dothis_last_sweep_timestamp_seconds", "When the last sweep succeeded", registry=registry)

    def ended(self, status: str, code: str = "") -> None:
        """Count a job that reached its end."""
        self.jobs.labels(status=status, code=code).inc()
