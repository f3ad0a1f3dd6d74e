"""compose.yaml, read by the docker compose program itself (which needs no engine for that)."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import platform
import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from segs import compose_secrets
from stack import edge
from tests.support.wait import patient
from workers.lib.settings import weakness

ROOT = Path(__file__).resolve().parents[2]
EDGE = "edge"
ONE_SHOT = {"migrate"}
Model = dict[str, Any]

pytestmark = pytest.mark.skipif(
    platform.machine() != "x86_64", reason="the packaged docker compose is for x86-64"
)


def compose(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    package = importlib.util.find_spec("compose")
    assert package is not None
    assert package.origin is not None
    program = Path(package.origin).with_name("docker-compose")
    return subprocess.run(
        [program, *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=patient(30),
    )


@pytest.fixture(scope="module")
def model() -> Model:
    result = compose("-f", "compose.yaml", "config", "--format", "json")
    assert result.returncode == 0, result.stderr
    assert "variable is not set" not in result.stderr
    parsed: Model = json.loads(result.stdout)
    return parsed


def services(model: Model) -> dict[str, Model]:
    found: dict[str, Model] = model["services"]
    return found


def test_the_parser_refuses_what_is_not_compose(tmp_path: Path) -> None:
    wrong = tmp_path / "compose.yaml"
    wrong.write_text("services: {a: {image: b, healthchek: {test: [CMD, 'true']}}}\n")
    assert compose("-f", str(wrong), "config", "--quiet").returncode != 0


def test_every_part_of_the_design_is_there(model: Model) -> None:
    assert set(services(model)) >= {
        "postgres",
        "migrate",
        "redis",
        "postgrest",
        "ingest",
        "relay",
        "auth",
        "notifier",
        "mailpit",
        EDGE,
    }


def test_every_service_is_watched_and_restarted(model: Model) -> None:
    for name, service in services(model).items():
        if name in ONE_SHOT:
            assert service["restart"].startswith("on-failure"), name
        else:
            assert service["restart"] == "unless-stopped", name
            assert service["healthcheck"]["test"], name


def test_every_service_has_limits(model: Model) -> None:
    for name, service in services(model).items():
        limits = service["deploy"]["resources"]["limits"]
        assert {"cpus", "memory", "pids"} <= set(limits), name


def test_only_the_edge_has_a_host_port(model: Model) -> None:
    assert [name for name, service in services(model).items() if service.get("ports")] == [EDGE]
    assert services(model)[EDGE]["ports"][0]["published"] == "8080"
    assert not [name for name, service in services(model).items() if service.get("network_mode")]


def test_the_edge_port_can_be_chosen() -> None:
    result = compose("-f", "compose.yaml", "config", "--format", "json", SEGS_EDGE_PORT="9000")
    assert json.loads(result.stdout)["services"][EDGE]["ports"][0]["published"] == "9000"


def test_only_the_edge_touches_a_network_that_leads_out(model: Model) -> None:
    outward = {name for name, network in model["networks"].items() if not network.get("internal")}
    assert outward == {"edge"}
    for name, service in services(model).items():
        assert bool(outward & set(service["networks"])) == (name == EDGE), name
    for name in ("postgres", "redis"):
        assert set(services(model)[name]["networks"]) == {"data"}
    assert "data" not in services(model)[EDGE]["networks"]


def test_no_service_keeps_a_privilege_it_does_not_need(model: Model) -> None:
    for name, service in services(model).items():
        assert service["cap_drop"] == ["ALL"], name
        assert not service.get("cap_add"), name
        assert not service.get("privileged"), name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service.get("read_only") or name == "postgres", name


def test_no_secret_stands_in_the_file(model: Model) -> None:
    for name, service in services(model).items():
        for variable, value in (service.get("environment") or {}).items():
            looks_secret = re.search(r"PASSWORD|SECRET$|_URL$|_URI$|TOKEN|KEY$", variable)
            in_a_file = (
                variable.endswith("_FILE")
                or str(value).startswith("@/")
                or variable.startswith("PGRST_OPENAPI")
            )
            assert not looks_secret or in_a_file, f"{name}: {variable}"
        assert "@postgres" not in json.dumps(service.get("environment")), name


def test_images_are_pinned_or_built_here(model: Model) -> None:
    for name, service in services(model).items():
        if "build" not in service:
            assert re.search(r":[^:]*\d", service["image"]), name
            assert not service["image"].endswith(":latest"), name


def test_every_file_referred_to_exists(model: Model) -> None:
    for name, service in services(model).items():
        build = service.get("build")
        if not build:
            continue
        dockerfile = Path(build["context"]) / build.get("dockerfile", "Dockerfile")
        assert dockerfile.is_file(), f"{name}: {dockerfile}"
        text = dockerfile.read_text()
        if target := build.get("target"):
            assert re.search(rf"^FROM .* AS {target}$", text, re.MULTILINE), f"{name}: no stage {target}"
        for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE):
            for source in line.split()[:-1]:
                assert (Path(build["context"]) / source).exists(), f"{name}: COPY {source}"
    for name, config in model["configs"].items():
        path = Path(config["file"])
        assert path.is_file() or path.parent == ROOT / "deploy/secrets", name
    for name, secret in model["secrets"].items():
        assert Path(secret["file"]) == ROOT / "deploy/secrets" / name


def test_every_declared_secret_is_used(model: Model) -> None:
    used = {entry["source"] for service in services(model).values() for entry in service.get("secrets") or []}
    assert used == set(model["secrets"])
    configs = {
        entry["source"] for service in services(model).values() for entry in service.get("configs") or []
    }
    assert configs == set(model["configs"])


def test_the_secrets_command_writes_every_file_that_is_mounted(model: Model, tmp_path: Path) -> None:
    directory = tmp_path / "secrets"
    written = {path.name for path in compose_secrets.write(directory)}
    mounted_configs = {
        Path(config["file"]).name
        for config in model["configs"].values()
        if Path(config["file"]).parent == compose_secrets.DIRECTORY
    }
    assert written == set(model["secrets"]) | mounted_configs


def test_secrets_are_private_random_and_kept(tmp_path: Path) -> None:
    directory = tmp_path / "secrets"
    first = {path: path.read_text() for path in compose_secrets.write(directory)}
    assert {path: path.read_text() for path in compose_secrets.write(directory)} == first
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    mounted = {path.name for path in first}
    for path in directory.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == (0o444 if path.name in mounted else 0o600), path.name
    other = {path.name: path.read_text() for path in compose_secrets.write(tmp_path / "other")}
    assert not [path.name for path, text in first.items() if other[path.name] == text]


def test_urls_pass_the_workers_own_check_of_strength(tmp_path: Path) -> None:
    for path in compose_secrets.write(tmp_path / "secrets"):
        if path.name.endswith("_url"):
            assert weakness(path.read_text()) is None, path.name


def test_the_private_key_reaches_only_the_auth_worker(model: Model) -> None:
    holders = {
        name
        for name, service in services(model).items()
        if "jwt_private.pem" in {entry["source"] for entry in service.get("secrets") or []}
    }
    assert holders == {"auth"}


@pytest.mark.parametrize(
    ("service", "settings"),
    [
        ("ingest", "IngestSettings"),
        ("relay", "RelaySettings"),
        ("auth", "AuthSettings"),
        ("notifier", "NotifierSettings"),
    ],
)
def test_a_worker_starts_with_the_environment_given(
    model: Model, service: str, settings: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = importlib.import_module(f"workers.{service}.settings")
    compose_secrets.write(tmp_path / "secrets")
    secrets_seen = tmp_path / "run-secrets"
    secrets_seen.mkdir()
    for entry in services(model)[service]["secrets"]:
        seen_as = Path(entry.get("target") or entry["source"]).name
        shutil.copy(tmp_path / "secrets" / entry["source"], secrets_seen / seen_as)
    given = {
        **services(model)[service]["environment"],
        "SEGS_SECRETS_DIR": str(secrets_seen),
        "SEGS_JWKS_FILE": str(tmp_path / "secrets/jwks.json"),
    }
    for name in [name for name in os.environ if name.startswith("SEGS_")]:
        monkeypatch.delenv(name)
    for name, value in given.items():
        monkeypatch.setenv(name, value)

    loaded = getattr(module, settings).load()

    known = {f"SEGS_{name.upper()}" for name in type(loaded).model_fields} | {"SEGS_SECRETS_DIR"}
    assert set(given) <= known
    settings_given = {path.name for path in secrets_seen.iterdir() if path.suffix != ".pem"}
    assert {name.upper() for name in settings_given} <= known
    assert not loaded.development


def test_the_administrator_url_reaches_only_the_migrate_service(model: Model) -> None:
    holders = {
        name
        for name, service in services(model).items()
        if {"segs_database_url"} & {entry["source"] for entry in service.get("secrets") or []}
    }
    assert holders == {"migrate"}


def test_the_edge_fills_in_every_name_of_the_nginx_template(model: Model) -> None:
    template = (ROOT / "deploy/nginx/segs.conf.template").read_text()
    wanted = set(re.findall(r"\$\{(SEGS_[A-Z_]+)\}", template))
    given = {name for name in services(model)[EDGE]["environment"] if name.startswith("SEGS_")}
    assert wanted == given


def test_images_are_built_from_sources_alone() -> None:
    lines = (ROOT / ".dockerignore").read_text().split()
    assert lines[0] == "*"
    assert not [line for line in lines if "secret" in line]


def test_the_container_has_the_edge_that_segs_up_has(model: Model) -> None:
    main = (ROOT / "deploy" / "nginx" / "nginx.conf").read_text(encoding="utf-8")
    assert f"worker_connections {edge.MAX_CONNECTIONS};" in main
    assert f"worker_rlimit_nofile {2 * edge.MAX_CONNECTIONS};" in main
    assert "nginx.conf" in (ROOT / "deploy" / "nginx" / "Dockerfile").read_text(encoding="utf-8")
    given = services(model)[EDGE]["environment"]
    for name, value in edge.settings().items():
        if name.endswith(edge.NUMBERS):
            assert given[name] == value, name
