from __future__ import annotations

from pathlib import Path

import pytest

from workers.ingest.settings import IngestSettings
from workers.lib.settings import SettingsError, weakness

STRONG = "postgresql://segs_ingest:0123456789abcdefghij@db/segs"
WEAK = "postgresql://segs_ingest:pw@db/segs"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import os

    for name in [name for name in os.environ if name.startswith("SEGS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SEGS_JWKS_FILE", str(tmp_path / "jwks.json"))


def test_environment_variables_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGS_INGEST_DATABASE_URL", STRONG)
    monkeypatch.setenv("SEGS_INGEST_PORT", "9000")
    settings = IngestSettings.load()
    assert settings.ingest_port == 9000
    assert settings.ingest_database_url.get_secret_value() == STRONG
    assert not settings.development


def test_secrets_are_read_from_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "segs_ingest_database_url").write_text(STRONG + "\n")
    monkeypatch.setenv("SEGS_SECRETS_DIR", str(tmp_path))
    assert IngestSettings.load().ingest_database_url.get_secret_value() == STRONG


def test_a_missing_secrets_directory_is_a_fault(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SEGS_SECRETS_DIR", str(tmp_path / "nowhere"))
    with pytest.raises(SettingsError, match="SEGS_SECRETS_DIR"):
        IngestSettings.load()


def test_every_fault_is_named_by_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGS_INGEST_PORT", "99999")
    with pytest.raises(SettingsError) as raised:
        IngestSettings.load()
    assert "SEGS_INGEST_PORT" in str(raised.value)
    assert "SEGS_INGEST_DATABASE_URL" in str(raised.value)


def test_weak_passwords_are_refused_in_production_without_showing_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SEGS_INGEST_DATABASE_URL", "postgresql://segs_ingest:hunter2@db/segs")
    with pytest.raises(SettingsError, match="SEGS_INGEST_DATABASE_URL") as raised:
        IngestSettings.load()
    assert "hunter2" not in str(raised.value)


def test_weak_passwords_are_allowed_in_development(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGS_ENVIRONMENT", "development")
    monkeypatch.setenv("SEGS_INGEST_DATABASE_URL", WEAK)
    assert IngestSettings.load().development


def test_settings_do_not_change_and_do_not_print_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGS_INGEST_DATABASE_URL", STRONG)
    settings = IngestSettings.load()
    assert "0123456789abcdefghij" not in repr(settings)
    with pytest.raises(ValueError, match="frozen"):
        settings.ingest_port = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("redis://host/0", "has no password"),
        ("redis://:redis@host/0", "has a well-known password"),
        ("redis://:short1@host/0", "has a password shorter than 16 characters"),
        ("redis://:%70%77%70%77%70%77%70%77@host/0", "has a password shorter than 16 characters"),
        ("redis://:0123456789abcdef@host/0", None),
    ],
)
def test_weakness(url: str, fault: str | None) -> None:
    assert weakness(url) == fault
