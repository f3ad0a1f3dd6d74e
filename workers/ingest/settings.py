"""Settings of the ingest worker (``SEGS_INGEST_*``)."""

from __future__ import annotations

from pydantic import Field, SecretStr, field_validator

from workers.lib.checkup import parse_disks
from workers.lib.platform_health import parse_peers
from workers.lib.settings import WorkerSettings

MIB = 1024 * 1024


class IngestSettings(WorkerSettings):
    """What the ingest worker needs to know. Limits on what a reading may claim are rows of ingest.limits."""

    ingest_host: str = "127.0.0.1"
    ingest_port: int = Field(8081, ge=0, le=65535)
    ingest_database_url: SecretStr
    # Several processes may share the port; the kernel spreads connections over them.
    ingest_reuse_port: bool = False

    ingest_max_body_bytes: int = Field(10 * MIB, ge=1024)
    ingest_max_readings: int = Field(10_000, ge=1)

    # The rest of the platform, for the edge's /health: "relay=http://HOST:PORT/health rest=http://HOST:PORT/ready".
    ingest_health_peers: str = ""
    # Folders whose disks must not fill up, for /health and metrics: "data=/var/lib/segs:log=/var/log/segs".
    ingest_disks: str = ""

    # Requests per second of one device (tenant and subject of the token) at one process; 0 means unlimited.
    ingest_rate_limit: float = Field(500.0, ge=0)
    ingest_rate_burst: float = Field(1000.0, ge=1)

    # Readings per second of one device, how many at once, how many a day (UTC), at one process; 0: unlimited.
    # A device that may send for some meters alone has 86,400 a day of each at most.
    ingest_reading_rate: float = Field(10_000.0, ge=0)
    ingest_reading_burst: float = Field(100_000.0, ge=1)
    ingest_daily_readings: int = Field(50_000_000, ge=0)

    # Writes that run at the same time, rows that one of them takes, rows that may wait.
    ingest_writers: int = Field(2, ge=1, le=16)
    ingest_write_rows: int = Field(20_000, ge=1)
    ingest_queue_rows: int = Field(100_000, ge=1)
    # Seconds from one write to the next while the requests are small: more of them share a commit.
    ingest_write_interval: float = Field(0.01, ge=0, le=0.1)
    ingest_write_timeout: float = Field(10.0, gt=0)

    # How long a meter code stays resolved (a meter retired meanwhile is still taken), and unknown.
    ingest_meter_ttl: float = Field(60.0, gt=0)
    ingest_unknown_meter_ttl: float = Field(2.0, ge=0)

    # How long a device token stays good after it is revoked.
    ingest_device_ttl: float = Field(5.0, ge=0, le=5)

    ingest_redis_timeout: float = Field(0.2, gt=0)
    ingest_shutdown_timeout: float = Field(20.0, gt=0)

    @field_validator("ingest_health_peers")
    @classmethod
    def _peers_can_be_read(cls, text: str) -> str:
        parse_peers(text)
        return text

    @field_validator("ingest_disks")
    @classmethod
    def _disks_can_be_read(cls, text: str) -> str:
        parse_disks(text)
        return text

    def secret_urls(self) -> dict[str, SecretStr | None]:
        """The database password counts as well."""
        return {**super().secret_urls(), "ingest_database_url": self.ingest_database_url}
