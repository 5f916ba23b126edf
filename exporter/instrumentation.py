"""The exporter's own metrics: what it asks of the bank and what it gets, fed by what the rooms report.

They stand in a registry of their own, never in the library's global one, so that a second exporter in one process (a
test, the demo) shares nothing with the first.
"""

from collections.abc import Callable, Iterable, Mapping
from platform import python_version
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, PlatformCollector, ProcessCollector

from exporter.model import SECOND, Event, HistoryRead, Instant, LoginMade, PollMade, RequestMade

_ENDPOINTS: Final = ("token", "operations")
_REQUEST_BUCKETS: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_POLL_BUCKETS: Final = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60, 120, 300)


class Instruments:
    """An observer that counts. `registry` holds its metrics, those of the process and of Python."""

    def __init__(
        self, accounts: Iterable[str], version: str, revision: str = "unknown", shard: int = 0, total_shards: int = 1
    ) -> None:
        self.registry = CollectorRegistry()
        self._polls = Counter(
            "epay_polls_total",
            "Polls of the bank by how they ended: success, partial (some terminals failed), or the kind of the error.",
            ("account", "result"),
            registry=self.registry,
        )
        self._poll_duration = Histogram(
            "epay_poll_duration_seconds",
            "How long a poll of the bank took, from the first request to the commit.",
            ("account",),
            buckets=_POLL_BUCKETS,
            registry=self.registry,
        )
        self._requests = Counter(
            "epay_api_requests_total",
            "Requests to the bank by endpoint and how they ended: success, or the kind of the error; retries included.",
            ("account", "endpoint", "result"),
            registry=self.registry,
        )
        self._request_duration = Histogram(
            "epay_api_request_duration_seconds",
            "How long a request to the bank took, without the waiting for its turn.",
            ("account", "endpoint"),
            buckets=_REQUEST_BUCKETS,
            registry=self.registry,
        )
        self._logins = Counter(
            "epay_logins_total",
            "Logins at the bank by how they ended: success, or the kind of the error.",
            ("account", "result"),
            registry=self.registry,
        )
        self._token_expiry = Gauge(
            "epay_token_expiry_timestamp_seconds",
            "When the bank's token in use runs out; absent until the first login.",
            ("account",),
            registry=self.registry,
        )
        self._clock_skew = Gauge(
            "epay_clock_skew_seconds",
            "The bank's clock minus ours by its last answer, good to a second; absent until the first answer.",
            ("account",),
            registry=self.registry,
        )
        self._reload_successful = Gauge(
            "epay_config_last_reload_successful",
            "Whether the last reading of the configuration was applied (1) or refused (0).",
            registry=self.registry,
        )
        self._reload_timestamp = Gauge(
            "epay_config_last_reload_success_timestamp_seconds",
            "When the configuration in use was read.",
            registry=self.registry,
        )
        self._history = Gauge(
            "epay_baseline_progress_ratio",
            "Share of baseline.history that has been read from the bank, from 0 to 1; absent until it was looked at.",
            ("account",),
            registry=self.registry,
        )
        build = Gauge(
            "epay_exporter_build_info",
            "Always 1: version and revision of the exporter and the version of Python that runs it.",
            ("version", "revision", "python_version"),
            registry=self.registry,
        )
        build.labels(version, revision, python_version()).set(1)
        ordinal = Gauge(
            "epay_shard_ordinal",
            "Which of the shards this exporter reads, from 0: --shard.",
            ("shard_ordinal",),
            registry=self.registry,
        )
        ordinal.labels(str(shard)).set(shard)
        Gauge(
            "epay_total_shards",
            "Into how many shards the terminals are divided: --total-shards; 1 where they are not.",
            registry=self.registry,
        ).set(total_shards)
        self._held = Gauge(
            "epay_share_held",
            "Whether this replica holds a share (1) or not (0), of all that it is configured with; as of the scrape.",
            ("share",),
            registry=self.registry,
        )
        self._lease = Gauge(
            "epay_lease_remaining_seconds",
            "How long the lease of a share lasts without another renewal; 0 where it is not held, or shown without.",
            ("share",),
            registry=self.registry,
        )
        self._replicas = Gauge(
            "epay_replicas",
            "Replicas that live on this state, this one among them; 0 where the state is not shared.",
            registry=self.registry,
        )
        self._moves = Counter(
            "epay_share_handovers_total",
            "Shares that this replica took or gave away: taken, handed_over, removed from the configuration, lost.",
            ("reason",),
            registry=self.registry,
        )
        for reason in ("taken", "handed_over", "removed", "lost"):
            self._moves.labels(reason)
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._accounts: set[str] = set()
        self.follow(accounts)

    def follow(self, accounts: Iterable[str]) -> None:
        """Have the metrics of these accounts: those that are new begin at 0, those of others go away."""
        wanted = set(accounts)
        for account in self._accounts - wanted:
            self._end(account)
        for account in wanted - self._accounts:
            self._begin(account)
        self._accounts = wanted

    def _begin(self, account: str) -> None:
        """The series that must exist before the first event, or `increase()` would miss it."""
        self._polls.labels(account, "success")
        self._poll_duration.labels(account)
        for endpoint in _ENDPOINTS:
            self._requests.labels(account, endpoint, "success")
            self._request_duration.labels(account, endpoint)
        self._logins.labels(account, "success")
        self._logins.labels(account, "refused")

    def _end(self, account: str) -> None:
        for metric in (
            self._polls,
            self._poll_duration,
            self._requests,
            self._request_duration,
            self._logins,
            self._token_expiry,
            self._clock_skew,
            self._history,
        ):
            metric.remove_by_labels({"account": account})

    def know_shares(self, shares: Mapping[str, tuple[Callable[[], bool], Callable[[], float]]]) -> None:
        """Have the metrics of these shares; each is asked whether it is held, and how long its lease lasts."""
        for gauge in (self._held, self._lease):
            gauge.clear()
        for share, (held, seconds) in shares.items():
            self._held.labels(share).set_function(held)
            self._lease.labels(share).set_function(seconds)

    def see_replicas(self, number: int) -> None:
        """So many replicas live on the state."""
        self._replicas.set(number)

    def share_moved(self, reason: str) -> None:
        """A share was taken or given away."""
        self._moves.labels(reason).inc()

    def observe(self, event: Event) -> None:
        """Count one event; never raises."""
        match event:
            case PollMade(account, result, seconds):
                self._polls.labels(account, result).inc()
                self._poll_duration.labels(account).observe(seconds)
            case RequestMade(account, endpoint, result, seconds, skew):
                self._requests.labels(account, endpoint, result).inc()
                self._request_duration.labels(account, endpoint).observe(seconds)
                if skew is not None:
                    self._clock_skew.labels(account).set(skew)
            case LoginMade(account, result, expires):
                self._logins.labels(account, result).inc()
                if expires is not None:
                    self._token_expiry.labels(account).set(expires / SECOND)
            case HistoryRead(account, share):
                self._history.labels(account).set(share)

    def configuration_applied(self, at: Instant) -> None:
        """The configuration was read and is in use, at the start or by a reload."""
        self._reload_successful.set(1)
        self._reload_timestamp.set(at / SECOND)

    def configuration_refused(self) -> None:
        """A reload was refused; the configuration before it stays in use."""
        self._reload_successful.set(0)
