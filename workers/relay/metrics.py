"""What the relay counts."""

from __future__ import annotations

from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_LAG_BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0)


@dataclass(frozen=True)
class RelayMetrics:
    """The relay's metrics, in one registry."""

    connections: Gauge
    events: Counter
    frames: Counter
    lag: Histogram
    drops: Counter
    gaps: Counter
    replayed: Counter
    reader_connected: Gauge
    reader_restarts: Counter
    waiting_seconds: Gauge


def relay_metrics(registry: CollectorRegistry) -> RelayMetrics:
    """Register the relay's metrics."""
    return RelayMetrics(
        connections=Gauge("segs_relay_connections", "Open WebSocket connections", registry=registry),
        events=Counter(
            "segs_relay_events", "Events sent to clients (one event to N clients is N)", registry=registry
        ),
        frames=Counter("segs_relay_log_events", "Events read from the log", registry=registry),
        lag=Histogram(
            "segs_relay_lag_seconds",
            "From writing an event to handing it to the last live client",
            buckets=_LAG_BUCKETS,
            registry=registry,
        ),
        drops=Counter("segs_relay_drops", "Connections ended by the relay", ["reason"], registry=registry),
        gaps=Counter("segs_relay_gaps", "Gap frames sent", ["reason"], registry=registry),
        replayed=Counter("segs_relay_replayed_events", "Events sent to resuming clients", registry=registry),
        reader_connected=Gauge(
            "segs_relay_reader_connected", "1 while the log can be read", registry=registry
        ),
        reader_restarts=Counter(
            "segs_relay_reader_restarts", "Times the log reader had to reconnect", registry=registry
        ),
        waiting_seconds=Gauge(
            "segs_relay_waiting_seconds",
            "Age of the oldest event that an older open transaction keeps from being read",
            registry=registry,
        ),
    )
