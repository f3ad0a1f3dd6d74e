"""The platform cannot receive for a while: that is no silence of the meters."""

from __future__ import annotations

from datetime import datetime, timedelta

from tests.support.ingest import reading
from tests.support.platform import Platform
from tests.support.wait import wait_until_async

WINDOW = timedelta(minutes=15)
SOON = timedelta(minutes=2)  # past the grace period
METERS = range(1, 4)
GOES_ON = (
    "select min(since) from grid.tenant cross join lateral ingest.absences(tenant_id) where until is null"
)
CLOSED = "select max(closed_until) from grid.window_progress"
SILENT = "select max(raised_at) from alert.alert where kind = 'silent'"
LOAD = "select sum(energy)::int from grid.region_load where revision = 1 and window_start = any (%s)"


async def test_windows_wait_while_nothing_can_be_received_and_for_the_backlog(platform: Platform) -> None:
    database, ingest = platform.database, platform.ingest
    # What came in within idle_after of a round is a back-fill to it, and this test's rounds are soon.
    database.rows("update ingest.limits set absent_after = '2 seconds', idle_after = '1 millisecond'")
    async with platform.gateway() as gateway:
        start: datetime = database.value("select grid.window_start(now())")
        await gateway.send([reading(n, start - timedelta(minutes=m)) for n in METERS for m in range(1, 16)])
        await wait_until_async(
            lambda: database.value("select exists (select from ingest.presence where door = 'http')"),
            "the worker says that it is there",
        )
        platform.close_windows(start + SOON)
        assert database.value(CLOSED) == start

        ingest.stop()
        await wait_until_async(lambda: database.value(GOES_ON), "its absence is seen")
        since: datetime = database.value(GOES_ON)
        away_from: datetime = database.value("select grid.window_start(%s)", (since,))
        platform.close_windows(away_from + WINDOW + SOON)
        assert database.value(CLOSED) == away_from, "nothing of that time closes"

        await ingest.up_again()
        await wait_until_async(lambda: database.value(GOES_ON) is None, "it is back")
        sent = [reading(n, since) for n in METERS[:5]]
        await gateway.send(sent)

    away_until: datetime = database.value("select grid.window_start(max(upper(period))) from ingest.absence")
    platform.close_windows(away_until + WINDOW + SOON)
    assert database.value(CLOSED) == away_until + WINDOW, "then it closes"
    assert database.value(LOAD, ([away_from, away_until],)) == len(sent) * 250_000, "with the backlog"
    assert database.value(SILENT) is None, "meters that could not send were not silent"

    platform.close_windows(away_until + 2 * WINDOW + SOON)
    assert database.value(SILENT) == away_until + 2 * WINDOW, "those that do not come back are"
