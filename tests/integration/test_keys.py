"""Signing keys are exchanged while the platform runs, and nobody is signed out by it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack import keys, secrets
from stack.progress import SetupError
from stack.runtime import Runtime
from tests.support.cluster import Cluster, Database
from tests.support.keys import Keys
from tests.support.platform import Platform
from tests.support.rest import RestClient
from tests.support.servers import Redis
from tests.support.wait import wait_until

HOUR = 3600


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return secrets.load_or_create(tmp_path / "secrets").directory


@pytest.fixture(scope="module")
def database(cluster: Cluster) -> Iterator[Database]:
    with cluster.clone() as clone:
        yield clone


def nobody(private_key: str) -> None:
    """No platform runs."""


def test_the_new_key_signs_and_the_old_one_is_believed(directory: Path) -> None:
    (first,) = keys.known(directory)
    made = keys.rotate(directory, nobody, keep=HOUR)
    newest, old = keys.known(directory)
    assert (newest.kid, newest.signs, newest.believed_until) == (made.kid, True, None)
    assert (old.kid, old.signs) == (first.kid, False)
    assert abs((old.believed_until or 0) - time.time() - HOUR) < 60
    assert secrets.public_jwk(directory / secrets.PRIVATE_KEY)["kid"] == made.kid
    for name in (secrets.PRIVATE_KEY, secrets.PUBLIC_KEYS):
        assert (directory / name).stat().st_mode & 0o777 == 0o600

    keys.rotate(directory, nobody, keep=2 * HOUR)
    assert [key.believed_until for key in keys.known(directory) if key.kid == first.kid] == [
        old.believed_until
    ]


def test_a_key_that_nobody_takes_up_never_signs(directory: Path) -> None:
    before = {path: path.read_text() for path in directory.iterdir()}

    def fail(private_key: str) -> None:
        assert len(keys.known(directory)) == 2, "it is published before it signs"
        raise SetupError("no")

    with pytest.raises(SetupError):
        keys.rotate(directory, fail)
    assert [key.kid for key in keys.known(directory)] == [
        secrets.public_jwk(directory / secrets.PRIVATE_KEY)["kid"]
    ]
    assert (directory / secrets.PRIVATE_KEY).read_text() == before[directory / secrets.PRIVATE_KEY]


def test_replaced_keys_are_retired_by_age_or_by_name(directory: Path) -> None:
    first = keys.known(directory)[0].kid
    second = keys.rotate(directory, nobody, keep=HOUR).kid
    third = keys.rotate(directory, nobody, keep=2 * HOUR).kid
    assert keys.retire(directory) == []
    assert keys.retire(directory, at=time.time() + 1.5 * HOUR) == [first]
    with pytest.raises(SetupError, match="signs"):
        keys.retire(directory, third)
    with pytest.raises(SetupError, match="no key"):
        keys.retire(directory, first)
    assert keys.retire(directory, second) == [second]
    assert [key.kid for key in keys.known(directory)] == [third]


def test_a_running_platform_takes_a_new_key_without_a_restart(
    runtime: Runtime, database: Database, redis_session: Redis, keys_dir: Path, tmp_path: Path, signer: Keys
) -> None:
    held = Keys(signer.private_key, keys_dir / secrets.PUBLIC_KEYS, signer.users)
    with Platform(runtime, tmp_path, held, database, redis_session).running() as platform:
        pids = [platform.postgrest.pid, platform.ingest.pid]

        def token(role: str, sub: str) -> dict[str, str]:
            key = keys_dir / secrets.PRIVATE_KEY
            minted = secrets.mint_token(key, role=role, tenant="demo", sub=sub)
            return {"Authorization": f"Bearer {minted}"}

        client = RestClient(platform.url)
        operator = signer.users["operator@demo.example"]
        old = token("operator", operator), token("device", "meter")
        first = keys.known(keys_dir)[0].kid
        keys.rotate(keys_dir, keys.publish_to(database.admin_url, platform.url), keep=HOUR)
        new = token("operator", operator), token("device", "meter")
        for person, device in (old, new):
            assert client.get("/api/v1/regions", person).status == 200
            assert client.post("/telemetry/batch", [], device).json()["code"] == "empty_batch"

        keys.retire(keys_dir, first)
        keys.tell_postgrest(database.admin_url)
        wait_until(
            lambda: client.post("/telemetry/batch", [], old[1]).json()["code"] == "unauthorized",
            "ingest believes the retired key no more",
        )
        wait_until(
            lambda: client.get("/api/v1/meters", old[0]).status == 401,
            "PostgREST believes the retired key no more",
        )
        assert client.get("/api/v1/regions", new[0]).status == 200
        assert [platform.postgrest.pid, platform.ingest.pid] == pids, "nothing was restarted"


@pytest.fixture
def signer(request: pytest.FixtureRequest) -> Keys:
    """The people of the seed (the fixture's own name is the module's here)."""
    found: Keys = request.getfixturevalue("keys")
    return found


@pytest.fixture
def keys_dir(tmp_path: Path) -> Path:
    return secrets.load_or_create(tmp_path / "live").directory
