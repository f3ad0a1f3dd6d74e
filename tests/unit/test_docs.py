"""The documentation says what the code says: links lead somewhere, and lists are complete."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from bench import tables
from stack.paths import CHECKOUT
from workers.ingest import readings
from workers.relay.protocol import CloseCode
from workers.relay.replay import GAP_MESSAGES
from workers.relay.scope import TOPICS

DOCS = CHECKOUT / "docs"
PAGES = sorted([*CHECKOUT.glob("*.md"), *DOCS.rglob("*.md"), CHECKOUT / "deploy/README.md"])


def text(name: str) -> str:
    """A page, whichever shelf it stands on."""
    (page,) = (path for path in DOCS.rglob(Path(name).name) if str(path).endswith(f"/{name}"))
    return page.read_text(encoding="utf-8")


def prose(page: Path) -> list[tuple[int, str]]:
    """The lines of a page that are neither code nor a table, with their numbers."""
    found, code = [], False
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        code ^= line.startswith("```")
        if not code and not line.startswith(("    ", "|", "```", "<!--", "![")):
            found.append((number, line))
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_lines_are_at_most_100_wide(page: Path) -> None:
    assert [number for number, line in prose(page) if len(line) > 100 and " " in line[4:100]] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_no_word_stops_the_reader(page: Path) -> None:
    words = re.compile(r"\b(anew|somebody|whoever|mend(s|ed)?)\b", re.IGNORECASE)
    assert [(number, found[0]) for number, line in prose(page) if (found := words.search(line))] == []


def test_every_page_is_on_the_map() -> None:
    listed = {
        (DOCS / link).resolve()
        for link in re.findall(r"\]\(([^)#]+\.md)\)", (DOCS / "README.md").read_text(encoding="utf-8"))
    }
    pages = {
        path
        for shelf in ("tutorials", "how-to", "reference", "explanation")
        for path in (DOCS / shelf).glob("*.md")
    }
    assert pages <= listed


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_links_lead_to_files_that_exist(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8"))
    missing = [link for link in links if "://" not in link and not (page.parent / link).resolve().exists()]
    assert missing == []


def test_every_decision_is_listed() -> None:
    listed = set(re.findall(r"\]\((\d{4}-[a-z0-9-]+\.md)\)", text("decisions/README.md")))
    assert listed == {path.name for path in (DOCS / "decisions").glob("[0-9]*.md")}


def test_decisions_are_numbered_without_a_gap_and_named_so_inside() -> None:
    pages = sorted((DOCS / "decisions").glob("[0-9]*.md"))
    assert [page.name[:4] for page in pages] == [f"{number:04}" for number in range(1, len(pages) + 1)]
    for page in pages:
        assert page.read_text(encoding="utf-8").startswith(f"# {page.name[:4]} "), page.name
    for page in PAGES:
        for number, name in re.findall(r"\[(\d{4})\]\([^)]*?(\d{4})-", page.read_text(encoding="utf-8")):
            assert number == name, f"{page.name}: [{number}] leads to {name}"


def test_every_view_and_function_of_the_api_is_described() -> None:
    objects = {path.stem for path in (CHECKOUT / "db/functions/api").glob("*.sql")}
    assert {name for name in objects if f"`{name}`" not in text("api.md")} == set()


def test_every_rejection_code_is_described() -> None:
    codes = {
        readings.INVALID_READING,
        readings.UNKNOWN_METER,
        readings.TIME_IN_FUTURE,
        readings.TIME_TOO_OLD,
        readings.ENERGY_OUT_OF_RANGE,
    }
    assert {code for code in codes if f"`{code}`" not in text("ingest.md")} == set()


def test_every_error_code_of_the_ingest_worker_is_described() -> None:
    sources = "".join(path.read_text() for path in (CHECKOUT / "workers/ingest").glob("*.py"))
    codes = set(re.findall(r'code="([a-z_]+)"', sources))
    assert codes
    assert {code for code in codes if f"`{code}`" not in text("ingest.md")} == set()


def test_every_error_code_of_the_relay_is_described() -> None:
    sources = "".join(path.read_text() for path in (CHECKOUT / "workers/relay").glob("*.py"))
    codes = set(re.findall(r'ProtocolError\(\s*"([a-z_]+)"', sources))
    assert codes
    assert {code for code in codes if f"`{code}`" not in text("websocket.md")} == set()


def test_topics_close_codes_and_gap_reasons_are_described() -> None:
    page = text("websocket.md")
    assert {topic for topic in TOPICS if f"`{topic}`" not in page} == set()
    assert {reason for reason in GAP_MESSAGES if f"`{reason}`" not in page} == set()
    listed = {int(code) for code in re.findall(r"^\| (\d{4}) \|", page, re.MULTILINE)}
    assert {code for code in CloseCode if code not in listed and code != CloseCode.POLICY} == set()


def test_every_job_is_described() -> None:
    jobs = {path.stem for path in (CHECKOUT / "db/jobs").glob("*.sql")}
    assert {job for job in jobs if f"`{job}`" not in text("database.md")} == set()


def test_every_metric_named_in_the_docs_exists() -> None:
    sources = "".join(path.read_text() for path in (CHECKOUT / "workers").rglob("*.py"))
    for page in PAGES:
        for name in re.findall(r"\b(segs_(?:ingest|relay)_[a-z_]+)", page.read_text(encoding="utf-8")):
            if not name.endswith(("_url", "_database")):
                assert name.removesuffix("_total") in sources, f"{page.name}: {name}"


def test_the_tables_of_measurements_are_of_the_run_that_is_kept() -> None:
    page = text("performance.md")
    assert set(re.findall("<!-- table: (.*?) -->", page)) == tables.TABLES.keys()
    run = tables.Run(json.loads(text("performance/figures.json")))
    assert page == tables.written(page, run), "python -m bench.tables writes them"
