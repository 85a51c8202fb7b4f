#!/bin/sh
# install.sh TARBALL LOCKFILE PREFIX: lays the packed package out under PREFIX as the image has it, with the very
# dependencies of the lock file and its pinned Node, and runs no install script of anybody.
set -eu
tarball=$1 lockfile=$2 prefix=$3

package=$prefix/lib/node_modules/redkite
mkdir -p "$package" "$prefix/bin"
tar -xzf "$tarball" -C "$package" --strip-components=1
cp "$lockfile" "$package/package-lock.json"
(cd "$package" && npm ci --omit=dev --ignore-scripts --no-audit --no-fund --loglevel=error)
rm "$package/package-lock.json"

# The Node that the package pins (docs/adr/002), for its own programs and for whoever looks for one.
node=$(cd "$package" && ls -d node_modules/node-linux-*/bin/node)
ln -sf "../lib/node_modules/redkite/$node" "$prefix/bin/node"
ln -sf ../lib/node_modules/redkite/dist/main.js "$prefix/bin/redkite"
ln -sf ../lib/node_modules/redkite/dist/main.js "$prefix/bin/milvus"
