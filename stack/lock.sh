#!/bin/sh
# Resolve pyproject.toml into the lock files: hashes, but no index URL, so any mirror will do.
set -eu
cd "$(dirname "$0")/.."
uv=${UV:-.venv/bin/uv}
compile() {
    "$uv" pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --custom-compile-command "make lock" "$@"
}
compile -c requirements.lock -o requirements-workers.lock
compile --extra local --group pyproject.toml:build -c requirements-workers.lock -o requirements.lock
compile --extra local --group pyproject.toml:build --group pyproject.toml:dev -c requirements.lock -o requirements-dev.lock
