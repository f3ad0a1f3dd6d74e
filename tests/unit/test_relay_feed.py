"""The parts between log and socket: frames, filters, history, buffers, and the hub that joins them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, cast

import pytest
from prometheus_client import CollectorRegistry

from workers.relay.connection import Allowance
from workers.relay.cursor import Cursor
from workers.relay.events import CHUNK, Chunk, Event, chunks, event_text, text_frame
from workers.relay.history import History
from workers.relay.hub import Hub
from workers.relay.metrics import relay_metrics
from workers.relay.outbox import HIGH_WATER, Outbox, Overflow
from workers.relay.scope import Filter, Interest, Ownership, Scope, scope_from_row

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
QUARTER = timedelta(minutes=15)


def event(
    n: int,
    topic: str = "price.published",
    tenant: int = 1,
    region: int | None = 1,
    meter: int | None = None,
    begins: datetime = NOON,
    ends: datetime | None = None,
) -> Event:
    ends = begins + QUARTER if ends is None else ends
    return Event((n, 1), tenant, topic, region, meter, NOON, begins, ends, text_frame(str(n)))


class FakeTransport:
    """Takes what fits; ``room`` is what the peer has read."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.unread = 0
        self.stuck = False

    def write(self, data: bytes) -> None:
        self.written.append(data)
        if self.stuck:
            self.unread += len(data)

    def get_write_buffer_size(self) -> int:
        return self.unread

    def is_closing(self) -> bool:
        return False


def outbox(limit: int = 10) -> tuple[Outbox, FakeTransport]:
    transport = FakeTransport()
    return Outbox(cast("Any", transport), limit, (0, 0)), transport


def offer(box: Outbox, *events: Event) -> int:
    return box.offer(Chunk(events))


def unframed(data: bytes) -> str:
    """The text of one whole unmasked text frame, read as RFC 6455 says."""
    assert data[0] == 0x81  # final, text
    size, start = data[1], 2
    if size in (126, 127):
        start = 4 if size == 126 else 10
        size = int.from_bytes(data[2:start], "big")
    assert len(data) == start + size
    return data[start:].decode()


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 100_000])
def test_frames_of_any_length(size: int) -> None:
    assert unframed(text_frame("x" * size)) == "x" * size
    assert unframed(text_frame("é" * size)) == "é" * size


def test_the_payload_keeps_its_decimals() -> None:
    text = event_text(
        Cursor(1, (2, 3)), "price.published", NOON, 'no"rth', None, '{"price": 0.10000000000000000001}'
    )
    assert '"payload":{"price": 0.10000000000000000001}' in text
    frame = json.loads(text)
    assert (frame["region"], frame["meter_id"], frame["at"]) == ('no"rth', None, "2026-01-31T12:00:00Z")


def test_staff_hear_their_tenant_and_no_other() -> None:
    scope = Scope(1, "operator")
    for topic in ("price.published", "load.closed", "alert.raised"):
        assert scope.allows(event(1, topic))
        assert not scope.allows(event(1, topic, tenant=2))


def test_a_consumer_hears_own_alerts_in_the_period_and_own_prices() -> None:
    owned = frozenset({Ownership(7, NOON, NOON + HOUR)})
    there = frozenset({Ownership(1, NOON, NOON + HOUR), Ownership(1, NOON + 3 * HOUR, None)})
    scope = Scope(1, "consumer", owned, there)
    moment = timedelta(microseconds=1)
    for begins, ends, heard in (
        (NOON, NOON + QUARTER, True),
        (NOON + HOUR - QUARTER, NOON + HOUR, True),
        (NOON, NOON + HOUR, True),
        (NOON - moment, NOON + QUARTER, False),
        (NOON + HOUR - QUARTER, NOON + HOUR + moment, False),
    ):
        assert scope.allows(event(1, "alert.raised", meter=7, begins=begins, ends=ends)) is heard, begins
    assert not scope.allows(event(1, "alert.raised", meter=8))
    assert not scope.allows(event(1, "alert.raised", meter=None))
    assert not scope.allows(event(1, "load.closed"))
    for begins, heard in (
        (NOON - moment, False),
        (NOON, True),
        (NOON + HOUR - moment, True),  # of a window in which they moved out: it began in their time
        (NOON + HOUR, False),
        (NOON + 3 * HOUR, True),
        (NOON.replace(year=2900), True),
    ):
        assert scope.allows(event(1, "price.published", region=1, begins=begins)) is heard, begins
    assert not scope.allows(event(1, "price.published", region=2))
    assert not scope.allows(event(1, "price.published", region=None))
    assert not scope.allows(event(1, "price.published", tenant=2))
    assert not scope.allows(event(1, "something.new", meter=7))


def test_a_consumer_who_owns_nothing_hears_nothing() -> None:
    nothing: list[dict[str, Any]] = [{"meters": None, "regions": None}, {"meters": [], "regions": []}]
    for row in nothing:
        scope = scope_from_row({"tenant_id": 1, "role": "operator", **row}, token_role="consumer")
        for topic in ("price.published", "load.closed", "alert.raised"):
            assert not scope.allows(event(1, topic, meter=1))


def test_ownership_periods_as_the_database_writes_them() -> None:
    meters = [
        {"meter_id": 7, "code": "A", "from": "-infinity", "to": "2026-01-01T00:00:00+01:00"},
        {"meter_id": 7, "code": "A", "from": "2026-02-01T00:00:00.5+00:00", "to": None},
        {"meter_id": 8, "code": "B", "from": "2006-01-01T00:00:00+00:00", "to": "infinity"},
    ]
    scope = scope_from_row({"tenant_id": 1, "role": "consumer", "meters": meters, "regions": []}, "consumer")
    assert scope.allows(event(1, "alert.raised", meter=7, begins=NOON.replace(year=1999)))
    assert not scope.allows(event(1, "alert.raised", meter=7, begins=NOON))
    assert scope.allows(event(1, "alert.raised", meter=8, begins=NOON.replace(year=2900)))
    assert dict(scope.meter_codes) == {"A": 7, "B": 8}


def test_interest_by_topic_family_region_or_meter() -> None:
    alert = event(1, "alert.raised", region=1, meter=7)
    assert Interest().wants(alert)
    assert Interest(topics=frozenset({"alert"})).wants(alert)
    assert Interest(topics=frozenset({"alert.raised"})).wants(alert)
    assert not Interest(topics=frozenset({"alert.resolved", "price"})).wants(alert)
    assert Interest(regions=frozenset({2}), meters=frozenset({7})).wants(alert)
    assert not Interest(regions=frozenset({2}), meters=frozenset({8})).wants(alert)


def test_history_knows_what_it_no_longer_has() -> None:
    history = History(3, (0, 0))
    assert history.after((0, 0)) == []
    events = [event(n) for n in range(1, 9)]
    for one in events:
        history.add([one])
    assert len(history) <= 6
    assert history.after((0, 0)) is None
    assert history.after(history.floor) == [e for e in events if e.position > history.floor]
    assert history.after((8, 1)) == []
    assert History(0, (5, 0)).after((4, 9)) is None


def test_history_takes_older_events_before_its_own() -> None:
    history = History(10, (5, 0))
    history.add([event(n) for n in (5, 6, 7)])
    assert history.room == 7
    history.put_before((2, 9), [event(n) for n in (3, 4)])
    assert history.room == 5
    assert history.after((2, 8)) is None
    assert history.after((2, 9)) == [event(n) for n in (3, 4, 5, 6, 7)]
    assert history.after((4, 1)) == [event(n) for n in (5, 6, 7)]


@pytest.mark.parametrize("seed", range(20))
def test_history_gives_every_event_after_a_position_or_says_that_it_cannot(seed: int) -> None:
    """Against a list that keeps everything: nothing skipped, nothing twice, whatever is asked for."""
    random = Random(seed)
    limit = random.randrange(1, 30)
    history = History(limit, (0, 0))
    log: list[Event] = []
    for _ in range(60):
        added = [event(len(log) + n) for n in range(1, random.randrange(8))]
        history.add(added)
        log += added
        position = (random.randrange(len(log) + 2), random.randrange(3))
        found = history.after(position)
        if position < history.floor:
            assert found is None
        else:
            assert found == [e for e in log if e.position > position]
        assert len(history) >= min(limit, len(log)), "the newest are there"


def test_chunks_hold_all_frames_in_order_and_end_where_they_are_large() -> None:
    small = [event(n) for n in range(1, 100)]
    assert [chunk.events for chunk in chunks(small)] == [small]
    big = [
        Event((n, 1), 1, "load.closed", 1, None, NOON, NOON, NOON, text_frame("x" * (CHUNK // 3)))
        for n in range(1, 9)
    ]
    made = list(chunks(big))
    assert [len(chunk.events) for chunk in made] == [3, 3, 2]
    assert [e for chunk in made for e in chunk.events] == big
    assert b"".join(chunk.frames for chunk in made) == b"".join(e.frame for e in big)
    assert list(chunks([])) == []


def test_a_quick_peer_is_written_to_at_once_and_never_twice() -> None:
    box, transport = outbox()
    one, two, three = event(1), event(2), event(3)
    assert offer(box, one, two) == 2
    assert offer(box, two, three) == 1
    assert offer(box, three) == 0
    assert b"".join(transport.written) == one.frame + two.frame + three.frame
    assert box.delivered == box.position == three.position


def test_a_slow_peers_frames_queue_in_order_until_the_buffer_is_full() -> None:
    box, transport = outbox(limit=3)
    transport.unread = HIGH_WATER + 1
    offer(box, event(1))
    box.send(text_frame("between"))
    offer(box, event(2))
    assert transport.written == []
    assert box.congested
    assert box.delivered == (0, 0)
    with pytest.raises(Overflow):
        offer(box, event(3))
    transport.unread = 0
    assert box.flush()
    assert transport.written == [event(1).frame, text_frame("between"), event(2).frame]
    assert box.delivered == (2, 1)


def test_frames_that_queue_together_count_one_by_one() -> None:
    box, transport = outbox(limit=5)
    transport.unread = HIGH_WATER + 1
    assert offer(box, event(1), event(2), event(3)) == 3
    with pytest.raises(Overflow):
        offer(box, event(4), event(5), event(6))
    transport.unread = 0
    assert box.flush()
    assert box.delivered == (3, 1), "where the peer can resume"
    transport.unread = HIGH_WATER + 1
    box.position = box.delivered
    assert offer(box, *(event(n) for n in range(4, 9))) == 5


def test_flush_stops_where_the_peer_does() -> None:
    box, transport = outbox(limit=100)
    transport.unread = HIGH_WATER + 1
    big = Event((1, 1), 1, "load.closed", 1, None, NOON, NOON, NOON, text_frame("x" * HIGH_WATER))
    offer(box, big)
    offer(box, event(2))
    transport.unread, transport.stuck = 0, True
    assert not box.flush()
    assert box.delivered == (1, 1)
    transport.unread = 0
    assert box.flush()


class FakeSession:
    """As much of a session as the hub touches."""

    def __init__(self, limit: int = 10) -> None:
        self.outbox, self.transport = outbox(limit)
        self.dropped = False

    def drop_slow(self) -> None:
        self.dropped = True


def make_hub() -> Hub:
    hub = Hub(relay_metrics(CollectorRegistry()), 100)
    hub.start(Cursor(1, (0, 0)))
    return hub


def listen(hub: Hub, session: FakeSession, scope: Scope, interest: Interest | None = None) -> Filter:
    wanted = Filter(scope, interest or Interest())
    hub.listen(cast("Any", session), wanted)
    return wanted


def test_the_hub_gives_each_filter_its_events_in_order() -> None:
    hub = make_hub()
    ours, theirs, prices, muted = (FakeSession() for _ in range(4))
    listen(hub, ours, Scope(1, "operator"))
    listen(hub, theirs, Scope(2, "operator"))
    listen(hub, prices, Scope(1, "operator"), Interest(topics=frozenset({"price"})))
    hub.mute(cast("Any", muted), listen(hub, muted, Scope(1, "operator")))
    batch = [event(1), event(2, "load.closed"), event(3, tenant=2), event(4)]
    hub.publish(batch)
    assert b"".join(ours.transport.written) == b"".join(batch[i].frame for i in (0, 1, 3))
    assert theirs.transport.written == [batch[2].frame]
    assert b"".join(prices.transport.written) == batch[0].frame + batch[3].frame
    assert muted.transport.written == []
    assert hub.cursor == Cursor(1, (4, 1))
    assert hub.history.after((2, 1)) == batch[2:]


def test_a_full_buffer_drops_its_session_and_no_other() -> None:
    hub = make_hub()
    slow, quick = FakeSession(limit=1), FakeSession()
    for session in (slow, quick):
        listen(hub, session, Scope(1, "operator"))
    slow.transport.unread = HIGH_WATER + 1
    hub.publish([event(1)])
    assert not slow.dropped
    hub.publish([event(2)])
    assert slow.dropped
    assert b"".join(quick.transport.written) == event(1).frame + event(2).frame


def test_an_allowance_runs_out_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("workers.relay.connection.time.monotonic", lambda: clock[0])
    allowance = Allowance(burst=2, per_second=1)
    assert [allowance.take() for _ in range(3)] == [True, True, False]
    clock[0] += 3
    assert allowance.take()
