#!/usr/bin/env bash
# Installs the clients that pip does not: Debian's psql, pg_dump, Java, Node and pgJDBC; npm's drivers beside their
# scripts; and langchain-postgres, which wants an older pgvector, in an environment of its own. What is there already is left alone. Without root or passwordless sudo only pgJDBC and npm's are got; what
# could not be installed is named, and its tests are skipped.
set -uo pipefail
cd "$(dirname "$0")"
downloads=../../build/clients
jar=/usr/share/java/postgresql.jar

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }

missing=()
{ command -v psql && command -v pg_dump; } >/dev/null || missing+=(postgresql-client)
command -v javac >/dev/null || missing+=(default-jdk-headless)
command -v npm >/dev/null || missing+=(nodejs npm)
[ -e "$jar" ] || missing+=(libpostgresql-jdbc-java)

if [ ${#missing[@]} -gt 0 ] && command -v apt-get >/dev/null && as_root true 2>/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    as_root apt-get update -qq
    as_root apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi
if [ ! -e "$jar" ] && [ ! -e "$downloads$jar" ] && command -v apt-get >/dev/null; then
    mkdir -p "$downloads"
    (cd "$downloads" && apt-get download -qq libpostgresql-jdbc-java && dpkg -x libpostgresql-jdbc-java_*.deb .)
fi
# Django's own tests are in no wheel.
django=$(sed -n 's/^Django==//p' ../../constraints.txt)
if [ ! -d "$downloads/django-$django" ]; then
    mkdir -p "$downloads"
    "${PYTHON:-python3}" -m pip download --quiet --disable-pip-version-check --no-deps --no-binary :all: \
        --dest "$downloads" "django==$django" && tar -xzf "$downloads/django-$django.tar.gz" -C "$downloads"
fi
if command -v npm >/dev/null; then
    npm install --prefix node --no-audit --no-fund --loglevel=error
fi

if [ ! -x "$downloads/langchain/bin/python" ] || ! "$downloads/langchain/bin/python" -c 'import langchain_postgres'; then
    "${PYTHON:-python3}" -m venv "$downloads/langchain" &&
        "$downloads/langchain/bin/pip" install --quiet --disable-pip-version-check -r langchain/requirements.txt
fi

for command in psql pg_dump javac node; do
    command -v $command >/dev/null || echo "not installed: $command"
done
[ -e "$jar" ] || [ -e "$downloads$jar" ] || echo "not installed: pgJDBC"
"$downloads/langchain/bin/python" -c 'import langchain_postgres' || echo "not installed: langchain-postgres"
[ -d "$downloads/django-$django" ] || echo "not installed: Django's tests"
[ -d node/node_modules/pg ] || echo "not installed: npm's drivers"
