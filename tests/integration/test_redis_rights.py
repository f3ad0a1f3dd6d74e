"""Each worker's user of Redis has its own keys and commands; writing a ticket makes no claims."""

from __future__ import annotations

import json
import re
import time
from dataclasses import asdict
from uuid import uuid4

import pytest
import redis
from redis.exceptions import AuthenticationError, RedisError

from stack import redis_users
from tests.conftest import StartWorker
from tests.integration.test_relay_access import handshake_status
from tests.support.accounts import USER, client
from tests.support.keys import Keys
from tests.support.relay import connect
from tests.support.servers import Redis
from tests.support.wait import patient
from workers.lib.tickets import TICKET_KEY
from workers.lib.tokens import Claims

ATTEMPT, TIMES = "segs:attempts:login:x", "segs:ingest:latest:x"
# command with its arguments: who may
MATRIX = {
    ("PING",): {"ingest", "relay", "auth", "nobody"},
    ("SET", TICKET_KEY + "x", "y"): {"relay", "auth"},
    ("GETDEL", TICKET_KEY + "x"): {"relay"},
    ("GET", TICKET_KEY + "x"): set(),
    ("SET", TICKET_KEY + "x", "y", "GET"): {"relay"},
    ("INCR", ATTEMPT): {"auth"},
    ("DEL", ATTEMPT): {"auth"},
    ("SET", ATTEMPT, "0"): set(),
    ("GET", ATTEMPT): set(),
    ("HSET", TIMES, "0", "x"): {"ingest"},
    ("HGETALL", TIMES): {"ingest"},
    ("DEL", TIMES): set(),
    ("PUBLISH", "segs:ingest:stored:x", "y"): {"ingest"},
    ("PUBLISH", "another", "y"): set(),
    ("SET", "another", "y"): set(),
    ("INCR", "another"): set(),
    ("HSET", "another", "0", "x"): set(),
    ("KEYS", "*"): set(),
    ("SCAN", "0"): set(),
    ("MONITOR",): set(),
    ("FLUSHALL",): set(),
    ("FLUSHDB",): set(),
    ("CONFIG", "GET", "*"): set(),
    ("CONFIG", "SET", "dir", "/tmp"): set(),
    ("ACL", "LIST"): set(),
    ("ACL", "SETUSER", "segs_ingest", "+@all"): set(),
    ("EVAL", "return 1", "0"): set(),
    ("MODULE", "LIST"): set(),
    ("CLIENT", "LIST"): set(),
    ("CLIENT", "KILL", "ID", "1"): set(),
    ("REPLICAOF", "NO", "ONE"): set(),
    ("SAVE",): set(),
    ("SHUTDOWN", "NOSAVE"): set(),
}
WHO = [*redis_users.WORKERS, "nobody"]


def connected(server: Redis, who: str) -> redis.Redis:
    if who == "nobody":
        return redis.Redis("127.0.0.1", server.port, socket_timeout=patient(1))
    return redis.Redis.from_url(server.url_of(who), socket_timeout=patient(1))


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("command", MATRIX, ids=" ".join)
def test_each_user_may_do_what_its_worker_does(
    redis_server: Redis, who: str, command: tuple[str, ...]
) -> None:
    with connected(redis_server, who) as speaker:
        try:
            speaker.execute_command(*command)
            answer = ""
        except RedisError as error:  # also of a command that is allowed, for what it is asked
            answer = f"{type(error).__name__} {error}"
    allowed = not re.search("NoPermission|NOPERM|Authentication|NOAUTH", answer)
    assert allowed == (who in MATRIX[command])


@pytest.mark.parametrize("who", redis_users.WORKERS)
def test_the_server_knows_no_other_right(redis_server: Redis, who: str) -> None:
    """What Redis says it grants is what the list names, and nothing by category."""
    with redis_server.administrator() as admin:
        answer = admin.acl_getuser(f"segs_{who}")
    granted = re.findall(r"[+][^\s',]+", str(answer["commands"]))
    listed = re.findall(r"[+][a-z|]+", redis_users.RIGHTS[f"segs_{who}"].split(" (")[0])
    assert set(granted) == {*listed, "+client|setinfo", "+client|setname"}
    assert "@" not in "".join(granted)


def test_a_wrong_password_opens_nothing(redis_server: Redis) -> None:
    for user in redis_users.RIGHTS:
        if user == "default":
            continue
        url = f"redis://{user}:wrong@127.0.0.1:{redis_server.port}/0"
        with redis.Redis.from_url(url) as speaker, pytest.raises(AuthenticationError):
            speaker.ping()


async def test_who_writes_to_redis_forges_no_session(
    start_relay: StartWorker, redis_server: Redis, keys: Keys
) -> None:
    """With the administrator's rights: claims, a token of another key, one that has expired, rubbish."""
    relay = start_relay()
    subject = keys.users["admin@demo.example"]
    claims = Claims(subject, "demo", "admin", time.time() + 3600)
    other = keys.mint("admin").rsplit(".", 1)[0] + "." + "A" * 86
    stale = keys.mint("admin", exp=int(time.time()) - 1)
    with redis_server.administrator() as admin:
        for forged in (json.dumps(asdict(claims)), other, stale, "", "\x00\xff", "x" * 100_000):
            ticket = uuid4().hex
            admin.set(TICKET_KEY + ticket, forged)
            assert await handshake_status(relay.url, query=f"?ticket={ticket}") == 401, forged[:50]
        ticket = uuid4().hex
        admin.set(TICKET_KEY + ticket, keys.mint("admin"))
        async with connect(relay.url, query=f"?ticket={ticket}") as good:
            assert good.welcome["cursor"], "a token that is good is good"


async def test_a_ticket_does_not_outlive_its_session(
    start_relay: StartWorker, start_auth: StartWorker, redis_server: Redis, keys: Keys
) -> None:
    relay, auth = start_relay(), start_auth()
    token = keys.mint("operator")
    async with client(auth.url) as speaker:
        answer = await speaker.send("POST", "ws-ticket", {}, token)
        assert answer.status == 200, (USER, answer.body)
    async with connect(relay.url, query=f"?ticket={answer['ticket']}") as listener:
        assert listener.welcome["cursor"]
    assert await handshake_status(relay.url, query=f"?ticket={answer['ticket']}") == 401
