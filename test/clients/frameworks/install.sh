#!/usr/bin/env bash
# Installs the frameworks whose Milvus stores the tests run, at the versions of package.json, into .cache/frameworks.
# Nothing to do where they are there already. Their tests are skipped, and say so, until this has run.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
there="$here/../../../.cache/frameworks"
mkdir -p "$there"
if [ -d "$there/node_modules" ] && cmp -s "$here/package.json" "$there/package.json"; then exit 0; fi
cp "$here/package.json" "$there/package.json"
npm install --prefix "$there" --ignore-scripts --no-package-lock --no-audit --no-fund --loglevel=error
