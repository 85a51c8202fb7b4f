#!/bin/sh
# Runs as root for one purpose: to find out whose the mounted key is, and to become that user (docs/adr/015).
# When it hands over, no root process is left, no capability, and no way to get one back. Started as anybody else
# (Kubernetes, user: in a compose file), it changes nothing.
set -eu

own_uid=10001
[ $$ -ne 1 ] || init='/tini --'

if [ "$(id -u)" -ne 0 ]; then
  # shellcheck disable=SC2086
  exec ${init-} "$@"
fi

# become UID GROUPS COMMAND...: that user, group 0 first, without capabilities.
become() {
  as_uid=$1 as_groups=$2
  shift 2
  setpriv --reuid="$as_uid" --regid=0 --groups="$as_groups" --inh-caps=-all --bounding-set=-all --no-new-privs "$@"
}

if ! become "$own_uid" 0 true 2>/dev/null; then
  echo "redkite: started as root without the capabilities to become another user" >&2
  echo "hint: start as uid $own_uid (compose: user: \"$own_uid:0\"; Kubernetes: runAsUser: $own_uid), or add the" \
    "capabilities CHOWN, DAC_OVERRIDE, SETGID, SETUID, SETPCAP" >&2
  exit 77
fi

# In a rootless engine the container's root is the user who started it, and no more than that.
is_rootless() {
  read -r inside outside _ </proc/self/uid_map
  [ "$inside" -eq 0 ] && [ "$outside" -ne 0 ]
}

# Chooses $uid and $groups so that PATH (of OWNER and GROUP) can be read, if anything does.
choose_reader() {
  owner=$1 group=$2 path=$3
  become "$uid" "$groups" test -r "$path" && return
  case "$owner" in -) return ;; esac
  if become "$uid" "$groups,$group" test -r "$path"; then
    groups="$groups,$group"
  elif { [ "$owner" -ne 0 ] || is_rootless; } && become "$owner" "$groups" test -r "$path"; then
    uid=$owner
  fi
}

# Docker makes a missing bind mount as root's. Data of an earlier user are given whole; links in them are not followed,
# other mounts not entered. Of other directories (logs) only an empty one is given.
give_directory() {
  key=$1 directory=$2
  [ "$directory" != / ] || return 0
  [ -d "$directory" ] || mkdir -p "$directory" || return 0
  if become "$uid" "$groups" test -w "$directory"; then return; fi
  if [ "$key" = redkite.dataDir ]; then
    find "$directory" -xdev ! -uid "$uid" -exec chown -h "$uid:0" {} + || true
  elif [ -z "$(ls -A "$directory")" ]; then
    chown "$uid:0" "$directory" || true
  fi
}

# each read|write: does what is to be done for each file of that use in $files.
each() {
  while IFS="$(printf '\t')" read -r use key owner group _ path; do
    [ "$use" = "$1" ] || continue
    if [ "$use" = read ]; then choose_reader "$owner" "$group" "$path"; else give_directory "$key" "$path"; fi
  done <<LIST
$files
LIST
}

# What the server of a command line uses; fails where the command runs none. It may be wrapped: Milvus' operator and
# chart put a script of theirs before it. A configuration that cannot be read lists nothing, and the server says why.
list_files() {
  while [ $# -ge 2 ]; do
    case "$1 $2" in
      'milvus run' | 'redkite run')
        program=$1
        shift 2
        "$program" config files "$@" 2>/dev/null || true
        return 0
        ;;
    esac
    shift
  done
  return 1
}

uid=$own_uid groups=0
if files=$(list_files "$@"); then
  each read
  each write
else
  # Beside a running server (a health check): its user, who owns the data.
  uid=$(stat -c %u "${REDKITE_DATADIR:-/}" 2>/dev/null) || uid=$own_uid
  [ "$uid" -ne 0 ] || is_rootless || uid=$own_uid
fi

# shellcheck disable=SC2086
exec setpriv --reuid="$uid" --regid=0 --groups="$groups" --inh-caps=-all --bounding-set=-all --no-new-privs \
  ${init-} "$@"
