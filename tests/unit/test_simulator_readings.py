"""Readings are a function of seed, meter and time, and keep the shape of their source."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from simulator import noise
from simulator.faults import WINDOW, FaultModel, Faults
from simulator.fleet import Fleet
from simulator.measurement import LocalTime
from simulator.profiles import Profiles, year_profile

REGIONS = ("north", "south", "east")
MONDAY = int(datetime(2026, 1, 12, tzinfo=UTC).timestamp())


def make_fleet(
    meters: int = 50, faults: str = "none", seed: int = 1, interval: int = 60, mix: str = "households"
) -> Fleet:
    profiles = Profiles(seed=seed, meters=meters, interval=interval, mix=mix, zone="Europe/Berlin")
    model = FaultModel(Faults.parse(faults), seed=seed, interval=interval)
    return Fleet(profiles, model, meters=meters, regions=REGIONS)


def sent(fleet: Fleet, ticks: range, origin: int) -> list[str]:
    return [one for tick in ticks for one in fleet.due(tick, fleet.everyone, origin=origin).readings]


def test_the_same_seed_sends_the_same_readings() -> None:
    ticks = range(MONDAY, MONDAY + 3600, 60)
    assert sent(make_fleet(faults="default"), ticks, MONDAY) == sent(
        make_fleet(faults="default"), ticks, MONDAY
    )


def test_another_seed_sends_others() -> None:
    assert make_fleet().due(MONDAY, make_fleet().everyone, origin=MONDAY) != make_fleet(seed=2).due(
        MONDAY, make_fleet().everyone, origin=MONDAY
    )


def test_a_reading_depends_neither_on_the_order_of_calls_nor_on_the_size_of_the_fleet() -> None:
    ticks = list(range(MONDAY, MONDAY + 1800, 60))
    forward, large = make_fleet(50, "default"), make_fleet(500, "default")
    expected = {tick: forward.due(tick, forward.everyone, origin=0).readings for tick in ticks}
    for tick in reversed(ticks):
        parts = [
            large.due(tick, np.arange(start, start + 10), origin=0).readings for start in range(0, 50, 10)
        ]
        assert sorted(one for part in parts for one in part) == sorted(expected[tick])


def test_a_reading_on_the_wire_has_a_code_a_zoned_time_and_exact_energy() -> None:
    fleet = make_fleet(3)
    measured = fleet.readings(MONDAY, fleet.everyone)
    readings = [json.loads(one) for one in fleet.due(MONDAY, fleet.everyone, origin=MONDAY).readings]
    assert [one["meter_id"] for one in readings] == ["SIM-00001", "SIM-00002", "SIM-00003"]
    assert {one["timestamp"] for one in readings} == {"2026-01-12T00:00:00Z"}
    assert [round(one["kwh"] * 1e6) for one in readings] == measured.energy.tolist()
    assert set(readings[0]) == {"meter_id", "timestamp", "kwh", "voltage", "current"}


@pytest.mark.parametrize(("kind", "mix"), [("h25", "households"), ("g25", "commerce")])
@pytest.mark.parametrize("day", ["2026-01-14", "2026-01-18", "2026-07-15"])
def test_many_meters_together_use_what_the_profile_says(kind: str, mix: str, day: str) -> None:
    meters, interval = 4000, 900
    profiles = Profiles(seed=7, meters=meters, interval=interval, mix=mix, zone="Europe/Berlin")
    everyone = np.arange(meters)
    midnight = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo("Europe/Berlin"))
    start = int(midnight.timestamp())
    quarters = range(start, start + 86_400, interval)
    used = np.array([profiles.measure(tick, everyone).energy.sum() / 1e6 for tick in quarters])
    first = (midnight.timetuple().tm_yday - 1) * 96
    shape = year_profile(kind, 2026)[first : first + 96] * 0.25 / 1_000_000
    expected = shape * profiles.yearly_use(everyone).sum()
    assert used.sum() == pytest.approx(expected.sum(), rel=0.02)
    assert np.corrcoef(used, expected)[0, 1] > 0.98


def test_a_year_of_the_profile_is_a_million_kilowatt_hours() -> None:
    assert year_profile("h25", 2026).sum() / 4 == pytest.approx(1_000_000, rel=0.02)
    assert year_profile("g25", 2028).sum() / 4 == pytest.approx(1_000_000, rel=0.03)
    assert len(year_profile("h25", 2028)) == 366 * 96


@pytest.mark.parametrize("interval", [10, 60, 900, 3600])
def test_energy_is_scaled_to_the_interval(interval: int) -> None:
    meters = np.arange(3000)
    profiles = Profiles(seed=3, meters=3000, interval=interval, mix="households", zone="UTC")
    hour = [profiles.measure(tick, meters).energy.sum() for tick in range(MONDAY, MONDAY + 3600, interval)]
    reference = Profiles(seed=3, meters=3000, interval=900, mix="households", zone="UTC")
    quarters = [reference.measure(tick, meters).energy.sum() for tick in range(MONDAY, MONDAY + 3600, 900)]
    assert sum(hour) == pytest.approx(sum(quarters), rel=0.03)


def test_a_reading_measures_the_interval_that_begins_at_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(noise, "around_one", lambda *_: 1.0)
    meters = np.arange(2)
    for interval in (60, 900, 3600):
        profiles = Profiles(seed=1, meters=2, interval=interval, mix="households", zone="UTC")
        profiles._shift[:] = 0  # no habits: the profile as it is
        shape = year_profile("h25", 2026)[11 * 96 :]
        for quarter in (24, 28, 72):
            covered = shape[quarter : quarter + max(1, interval // 900)].mean() * interval / 3600
            expected = covered * profiles.yearly_use(meters)
            energy = profiles.measure(MONDAY + quarter * 900, meters).energy
            assert np.abs(energy - expected).max() <= 1, (interval, quarter)


def test_noise_is_uniform_and_normal_and_unrelated_between_streams() -> None:
    many = np.arange(100_000)
    uniform, normal = noise.uniform(1, "a", many), noise.normal(1, "b", many)
    assert uniform.mean() == pytest.approx(0.5, abs=0.01)
    assert uniform.std() == pytest.approx(12**-0.5, abs=0.01)
    assert (normal.mean(), normal.std()) == (pytest.approx(0, abs=0.02), pytest.approx(1, abs=0.02))
    assert abs(np.corrcoef(noise.uniform(1, "a", many), noise.uniform(1, "a", many, 1))[0, 1]) < 0.02
    assert abs(np.corrcoef(noise.uniform(1, "a", many), noise.uniform(2, "a", many))[0, 1]) < 0.02


def test_local_time_follows_daylight_saving() -> None:
    local = LocalTime("Europe/Berlin")
    before = int(datetime(2026, 10, 25, 0, 59, tzinfo=UTC).timestamp())
    assert local.seconds(before) % 86_400 == (2 * 60 + 59) * 60
    assert local.seconds(before + 60) % 86_400 == 2 * 3600


# Faults


def test_default_faults_occur_in_their_shares() -> None:
    meters, faults = np.arange(2000), Faults.parse("default")
    plain, faulty = make_fleet(2000, interval=900), make_fleet(2000, "default", interval=900)
    model = FaultModel(faults, seed=1, interval=900)
    counts = dict.fromkeys(("silent", "spike", "negative", "zero", "late", "duplicate"), 0)
    total = 0
    for tick in range(MONDAY, MONDAY + 86_400 * 2, 900):
        clean = plain.readings(tick, meters).energy
        seen = faulty.readings(tick, meters)
        before = clean[seen.meters]
        total += len(meters)
        counts["silent"] += len(meters) - len(seen)
        counts["spike"] += int((seen.energy >= 150_000_000).sum())
        counts["negative"] += int((seen.energy < 0).sum())
        counts["zero"] += int(((seen.energy == 0) & (before > 0)).sum())
        counts["late"] += int(model.held_back(tick, meters).sum())
        counts["duplicate"] += int(model.repeated(tick, meters).sum())
    for kind, count in counts.items():
        assert count / total == pytest.approx(getattr(faults, kind), rel=0.35), kind


def test_a_spike_is_150_kilowatt_hours_in_a_window_whatever_the_interval() -> None:
    for interval in (60, 300, 900):
        plain = make_fleet(200, interval=interval)
        spiking = make_fleet(200, "spike=1", interval=interval)
        ticks = range(MONDAY, MONDAY + WINDOW, interval)
        extra = [
            spiking.readings(tick, plain.everyone).energy - plain.readings(tick, plain.everyone).energy
            for tick in ticks
        ]
        assert (np.sum(extra, axis=0) == 150_000_000).all()


def test_late_readings_arrive_once_and_later_and_duplicates_twice() -> None:
    step, end = 60, MONDAY + 7200
    faulty = make_fleet(100, "late=0.1,duplicate=0.1,late_minutes=20,duplicate_minutes=5")
    plain = make_fleet(100)
    arrived: dict[str, list[int]] = {}
    for tick in range(MONDAY, end, step):
        for one in faulty.due(tick, faulty.everyone, origin=MONDAY).readings:
            arrived.setdefault(one, []).append(tick)
    for tick in range(MONDAY, end, step):
        for one in faulty.overdue(end - step, tick, origin=MONDAY).readings:
            arrived.setdefault(one, []).append(end)
    assert set(arrived) == set(sent(plain, range(MONDAY, end, step), MONDAY))
    lags = [
        [at - int(datetime.fromisoformat(json.loads(one)["timestamp"]).timestamp()) for at in times]
        for one, times in arrived.items()
    ]
    assert all(lag in ([0], [0, 300], [1200]) or lag[0] < 1200 for lag in lags)
    share = len(lags)
    assert sum(lag == [0, 300] for lag in lags) / share == pytest.approx(0.09, abs=0.02)
    assert sum(lag[0] > 0 for lag in lags) / share == pytest.approx(0.1, abs=0.02)


@pytest.mark.parametrize("interval", [900, 3600])
def test_readings_held_back_stay_on_the_grid_of_the_interval(interval: int) -> None:
    plain = make_fleet(interval=interval)
    faulty = make_fleet(faults="late=0.3,duplicate=0.3", interval=interval)
    ticks = range(MONDAY, MONDAY + 20 * interval, interval)
    arrived = sent(faulty, ticks, MONDAY)
    for tick in ticks:
        arrived += faulty.overdue(ticks[-1], tick, origin=MONDAY).readings
    assert set(arrived) == set(sent(plain, ticks, MONDAY))
    assert len(arrived) > len(set(arrived))


@pytest.mark.parametrize("text", ["late", "late=2", "late=x", "sudden=0.1", "late_minutes=0", "silent=-1"])
def test_wrong_faults_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="fault"):
        Faults.parse(text)


def test_faults_may_be_named_or_listed() -> None:
    assert Faults.parse("none") == Faults.parse("") == Faults()
    assert Faults.parse("late=0.5, late_minutes=7") == Faults(late=0.5, late_minutes=7)
    assert Faults.parse("default").silent == 0.01
