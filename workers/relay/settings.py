"""Settings of the relay (``SEGS_RELAY_...``)."""

from __future__ import annotations

from pydantic import Field, SecretStr

from workers.lib.settings import WorkerSettings


class RelaySettings(WorkerSettings):
    """What the relay reads from the environment, besides what every worker does."""

    relay_host: str = "127.0.0.1"
    relay_port: int = Field(default=8002, ge=0, le=65535)
    relay_database_url: SecretStr
    relay_pool_size: int = Field(default=4, ge=1, le=50)

    relay_allowed_origins: str = ""
    """Comma-separated origins of web pages that may connect, besides the page's own host."""
    relay_allow_query_token: bool | None = None
    """Accept ``?token=``; by default only in development, because URLs end up in logs."""

    relay_max_connections: int = Field(default=10_000, ge=1)
    relay_account_connections: int = Field(default=50, ge=1)
    """Of these, how many one account may have."""
    relay_account_replays: int = Field(default=2, ge=1)
    """How many of an account's connections may catch up at once; its others wait."""
    relay_buffer_events: int = Field(default=10_000, ge=1)
    """Frames that may queue for a slow client before it is disconnected."""
    relay_history_events: int = Field(default=20_000, ge=0)
    """Newest events kept in memory for reconnecting clients."""
    relay_max_message_bytes: int = Field(default=32 * 1024, ge=256)
    relay_ping_interval: float = Field(default=30.0, gt=0)
    relay_poll_interval: float = Field(default=1.0, gt=0)
    relay_scope_interval: float = Field(default=30.0, gt=0)
    """How often the rights of connected users are read again."""
    relay_ticket_ttl: int = Field(default=30, ge=1, le=300)
    relay_shutdown_seconds: float = Field(default=5.0, gt=0)

    def secret_urls(self) -> dict[str, SecretStr | None]:
        """The database URL too must carry a strong password."""
        return {**super().secret_urls(), "relay_database_url": self.relay_database_url}

    @property
    def allowed_origins(self) -> frozenset[str]:
        """The origins as a set, compared literally."""
        return frozenset(o.strip().rstrip("/") for o in self.relay_allowed_origins.split(",") if o.strip())

    @property
    def query_token_allowed(self) -> bool:
        """Whether ``?token=`` is accepted."""
        return self.development if self.relay_allow_query_token is None else self.relay_allow_query_token
