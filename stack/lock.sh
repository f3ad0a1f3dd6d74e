#!/bin/sh
# Resolve pyproject.toml into the two lock files: hashes, but no index URL, so any mirror will do.
set -eu
cd "$(dirname "$0")/.."
uv=${UV:-.venv/bin/uv}
compile() {
    "$uv" pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --custom-compile-command "make lock" "$@"
}
compile --group pyproject.toml:build -o requirements.lock
compile --group pyproject.toml:build --group pyproject.toml:dev -c requirements.lock -o requirements-dev.lock
