from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.ingest.readings import (
    MALFORMED,
    MANY,
    Limits,
    Meter,
    Screened,
    duration,
    fault,
    meter_codes,
    microseconds,
    milliwatt_hours,
    screen,
    shape,
    well_formed,
)
from workers.ingest.rows import EPOCH_SHIFT, as_rows, pack_row

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
LIMITS = Limits(timedelta(minutes=5), timedelta(days=35), 10_000_000_000)
METERS = {code: Meter(key, 10_000_000_000, True, 60_000_000, False) for key, code in ((1, "M-1"), (2, "M-2"))}
GOOD: dict[str, Any] = {"meter_id": "M-1", "timestamp": "2026-07-01T12:00:00Z", "kwh": 0.25}


def screened(*items: Any) -> Screened:
    values = list(items)
    return screen(lambda: values, shape(values), METERS, LIMITS, NOW.timestamp())


def rejection(item: Any) -> tuple[str, str]:
    result = screened(item)
    assert not result.count
    assert not result.packed
    (only,) = result.rejections
    assert only.index == 0
    assert only.message
    only.message.encode()
    return only.code, only.message


def test_a_good_reading_becomes_a_row() -> None:
    result = screened({**GOOD, "voltage": 230.5, "current": None})
    assert not result.rejections
    assert result.count == 1
    assert result.packed == pack_row(1, round(NOW.timestamp()) * 1_000_000, 250_000, 230.5, None)


@pytest.mark.parametrize(
    "change",
    [
        {"meter_id": None},
        {"meter_id": 7},
        {"meter_id": ""},
        {"meter_id": "a" * 65},
        {"meter_id": "M\0"},
        {"meter_id": "M\udcff"},
        {"meter_id": "M-1\n"},
        {"meter_id": "M 1"},
        {"meter_id": "M\u0661"},
        {"timestamp": None},
        {"timestamp": 1751371200},
        {"timestamp": "1751371200"},
        {"timestamp": ""},
        {"timestamp": "2026-07-01"},
        {"timestamp": "2026-07-01T12:00:00"},
        {"timestamp": "2026-07-01T12:00:00 Europe/Berlin"},
        {"timestamp": "2026-13-01T12:00:00Z"},
        {"timestamp": "2026-07-01T25:00:00Z"},
        {"timestamp": "2026-07-01T12:00:00+99:00"},
        {"timestamp": "2026-W27-3T12:00:00Z"},
        {"timestamp": "10000-07-01T12:00:00Z"},
        {"timestamp": "\uff12026-07-01T12:00:00Z"},
        {"timestamp": "now"},
        {"kwh": None},
        {"kwh": "1"},
        {"kwh": True},
        {"kwh": math.nan},
        {"kwh": math.inf},
        {"kwh": -math.inf},
        {"kwh": 10**400},
        {"kwh": [1]},
        {"voltage": "230"},
        {"voltage": False},
        {"voltage": -1},
        {"voltage": math.nan},
        {"voltage": 1e7},
        {"current": math.inf},
        {"current": 1e6},
        {"unknown": 1},
        {"\udcff": 1},
        {"\0": 1},
    ],
    ids=repr,
)
def test_a_wrong_field_rejects_the_reading_alone(change: dict[str, Any]) -> None:
    bad = {**GOOD, **change}
    result = screened(GOOD, bad, {**GOOD, "meter_id": "M-2"})
    assert result.count == 2
    assert [(r.index, r.code, r.reading) for r in result.rejections] == [(1, "invalid_reading", None)]
    result.rejections[0].message.encode()


@pytest.mark.parametrize("missing", ["meter_id", "timestamp", "kwh"])
def test_a_missing_field_is_named(missing: str) -> None:
    code, message = rejection({name: value for name, value in GOOD.items() if name != missing})
    assert code == "invalid_reading"
    assert message == f"{missing}: field required"


@pytest.mark.parametrize("item", [None, 1, "x", [], [GOOD], MALFORMED], ids=repr)
def test_what_is_no_object_is_rejected(item: Any) -> None:
    assert rejection(item)[0] == "invalid_reading"


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ({"meter_id": "M-9"}, "unknown_meter", "no such meter"),
        (
            {"timestamp": "2026-07-01T12:05:00.000001Z"},
            "time_in_future",
            "timestamp is more than 5 minutes ahead",
        ),
        ({"timestamp": "9999-12-31T23:59:59Z"}, "time_in_future", "timestamp is more than 5 minutes ahead"),
        (
            {"timestamp": "2026-05-27T11:59:59Z"},
            "time_too_old",
            "timestamp is older than the accepted age of 35 days",
        ),
        (
            {"timestamp": "0001-01-01T00:00:00+14:00"},
            "time_too_old",
            "timestamp is older than the accepted age of 35 days",
        ),
        ({"kwh": 10_000.000001}, "energy_out_of_range", "kwh is outside -10000 to 10000"),
        ({"kwh": -1e300}, "energy_out_of_range", "kwh is outside -10000 to 10000"),
        ({"kwh": 10**300}, "energy_out_of_range", "kwh is outside -10000 to 10000"),
    ],
)
def test_a_false_claim_is_rejected_and_kept(change: dict[str, Any], code: str, message: str) -> None:
    assert rejection({**GOOD, **change}) == (code, message)
    (only,) = screened({**GOOD, **change}).rejections
    assert only.reading == {**GOOD, **change}


@pytest.mark.parametrize(
    "change",
    [
        {"timestamp": "2026-07-01T12:05:00Z"},
        {"timestamp": "2026-05-27T12:00:00Z"},
        {"timestamp": "2026-07-01t14:00+02"},
        {"timestamp": "2026-07-01 08:00:00-0400"},
        {"kwh": 10_000},
        {"kwh": -10_000},
        {"kwh": 0},
    ],
    ids=str,
)
def test_the_edges_are_accepted(change: dict[str, Any]) -> None:
    assert screened({**GOOD, **change}).count == 1


good = st.fixed_dictionaries(
    {
        "meter_id": st.sampled_from(["M-1", "M-2"]),
        "timestamp": st.datetimes(datetime(2026, 6, 1), datetime(2026, 7, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001
            datetime.isoformat
        ),
        "kwh": st.floats(-10_000, 10_000)
        | st.integers(0, 99)
        | st.sampled_from([0.0000005, 0.1234565, 2.5e-6]),
    },
    optional={
        "voltage": st.none() | st.floats(0, 1e6),
        "current": st.none() | st.floats(-1e5, 1e5),
    },
)
bad = st.sampled_from(
    [
        None,
        {**GOOD, "meter_id": "M-9"},
        {**GOOD, "meter_id": "M 9"},
        {**GOOD, "timestamp": "yesterday"},
        {**GOOD, "timestamp": "2036-07-01T12:00:00Z"},
        {**GOOD, "timestamp": "2016-07-01T12:00:00Z"},
        {**GOOD, "kwh": 10_001},
        {**GOOD, "kwh": -1e300},
        {**GOOD, "voltage": -1},
    ]
)


@given(st.lists(good, min_size=MANY, max_size=40), st.lists(st.tuples(st.integers(0, 40), bad), max_size=2))
def test_a_large_batch_is_screened_as_each_of_its_readings(
    items: list[Any], also: list[tuple[int, Any]]
) -> None:
    for place, item in also:
        items.insert(place, item)
    each = [screened(item) for item in items]
    result = screened(*items)
    assert result.packed == b"".join(one.packed for one in each)
    assert result.count == sum(one.count for one in each)
    assert [(r.index, r.code, r.message, r.reading) for r in result.rejections] == [
        (index, r.code, r.message, r.reading) for index, one in enumerate(each) for r in one.rejections
    ]


def test_only_well_formed_codes_are_looked_up() -> None:
    readings = shape([GOOD, {**GOOD, "meter_id": "bad code"}, {**GOOD, "meter_id": "M-9"}, 1])
    assert well_formed(meter_codes(readings)) == {"M-1", "M-9"}


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_energy_is_rounded_exactly(kwh: float) -> None:
    exact = Decimal(repr(kwh)) * 1_000_000
    if abs(kwh) <= 1e9:
        assert milliwatt_hours(kwh) == int(exact.quantize(Decimal(1), ROUND_HALF_EVEN))
    else:
        assert abs(milliwatt_hours(kwh)) > 1e14


@given(st.integers(-(10**10), 10**10), st.sampled_from([0, 1, 4, 5, 6, 9]))
def test_ties_go_to_even(whole: int, tenth: int) -> None:
    written = Decimal(whole * 10 + tenth) / 10_000_000
    expected = int((written * 1_000_000).quantize(Decimal(1), ROUND_HALF_EVEN))
    assert milliwatt_hours(float(str(written))) == expected


zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=zones))  # noqa: DTZ001
def test_any_timestamp_is_read_to_the_microsecond(at: datetime) -> None:
    assert microseconds(at.isoformat()) == (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(
        microseconds=1
    )


@given(st.text(max_size=40))
def test_any_text_is_a_timestamp_or_none(text: str) -> None:
    assert microseconds(text) is None or isinstance(microseconds(text), int)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
readings = st.fixed_dictionaries(
    {
        "meter_id": st.sampled_from(["M-1", "M-2", "M-3"]) | anything,
        "timestamp": st.sampled_from([GOOD["timestamp"], "2026-07-01T11:00:00Z", "2027-01-01T00:00Z"])
        | anything,
        "kwh": st.floats(-20_000, 20_000) | anything,
    },
    optional={"voltage": st.floats(0, 400) | anything, "current": anything, "other": anything},
)


@given(st.lists(readings | anything, max_size=8))
def test_every_item_is_answered_once(items: list[Any]) -> None:
    result = screened(*items)
    assert result.count + len(result.rejections) == len(items)
    rows = as_rows([result.packed])
    assert len(rows) == result.count
    assert set(rows["meter_id"].tolist()) <= {1, 2}
    assert (np.abs(rows["energy"].astype(np.int64)) <= LIMITS.max_energy).all()
    assert (rows["ts"] + EPOCH_SHIFT <= (NOW + LIMITS.max_ahead).timestamp() * 1e6).all()
    for name, low, high in (("voltage", 0, 1e6), ("current", -1e5, 1e5)):
        told = rows[name][~np.isnan(rows[name])]
        assert ((low <= told) & (told <= high)).all()
    for item in result.rejections:
        item.message.encode()
        assert item.code != "invalid_reading" or fault(items[item.index])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (timedelta(minutes=5), "5 minutes"),
        (timedelta(days=35), "35 days"),
        (timedelta(hours=1), "1 hour"),
        (timedelta(hours=36), "36 hours"),
        (timedelta(seconds=90), "90 seconds"),
        (timedelta(seconds=1), "1 second"),
        (timedelta(seconds=1.5), "1.5 seconds"),
    ],
)
def test_durations_in_words(value: timedelta, text: str) -> None:
    assert duration(value) == text
