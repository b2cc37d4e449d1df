#!/usr/bin/env bash
# Makes sure that the machine has the named programs: tools/ensure_system.sh [venv] [postgres] [chromium] [curl]
# Installs Debian packages when it may (root and apt-get); otherwise says what to install and fails.
set -euo pipefail

has_venv() { "${PYTHON:-python3}" -c 'import ensurepip, venv' 2>/dev/null; }

has_postgres() {
  local bin
  for bin in "$(dirname "$(readlink -f "$(command -v initdb || echo /nowhere/initdb)")")" /usr/lib/postgresql/*/bin; do
    [[ -x "$bin/initdb" && -x "$bin/pg_ctl" && -x "$bin/postgres" ]] && return 0
  done
  return 1
}

has_chromium() { command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null; }

has_curl() { command -v curl >/dev/null; }

declare -A packages=([curl]="curl ca-certificates" [venv]=python3-venv [postgres]=postgresql [chromium]="chromium chromium-driver")

# Debian makes and starts a database cluster of its own when the server is installed; the tests start theirs.
no_cluster=/etc/postgresql-common/createcluster.d/rasoat.conf

install() {
  local package
  read -ra package <<<"${packages[$1]}"
  if ! command -v apt-get >/dev/null || [[ $EUID -ne 0 ]]; then
    echo "$1 is missing: install it (on Debian or Ubuntu: apt-get install ${package[*]})" >&2
    return 1
  fi
  if [[ $1 == postgres ]]; then
    mkdir -p "$(dirname "$no_cluster")"
    echo "create_main_cluster = false" >"$no_cluster"
    trap 'rm -f "$no_cluster"' EXIT
  fi
  apt-get update -q
  DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${package[@]}" </dev/null
  "has_$1" || { echo "$1 is still missing after installing ${package[*]}" >&2; return 1; }
}

for need in "$@"; do
  [[ -v "packages[$need]" ]] || { echo "unknown: $need (known: ${!packages[*]})" >&2; exit 2; }
  "has_$need" || install "$need"
done
