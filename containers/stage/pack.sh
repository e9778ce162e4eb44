#!/bin/sh
# Does several jobs in one container, one after another:
#
#     sh CONTROL/pack.sh container|host COMMAND…
#
# CONTROL is the folder that this file is in. CONTROL/members lists the jobs in the order of their turns, one a line:
#
#     DEADLINE JOB ATTEMPT DIR
#
# DEADLINE is in seconds; DIR has the job's own input, output, tmp and control folders, and in control its environment
# (env.sh) and runner script (run.sh), which is started with COMMAND… DIR/input DIR/output. Left in DIR/control, beside what
# run.sh leaves: `begun`, when its turn came, in milliseconds since the epoch. A job with a file `skip` there is passed over.
#
# How one job ends does not matter to the next. SIGTERM is passed to the job at work, and no other one begins. Exit code: 0,
# or 143 after SIGTERM.
#
# It runs in the user's image, with no more than run.sh needs. Environment: LONGSHORE_SCRATCH, a folder that all jobs write to
# (/tmp), emptied after each; on the host there is none.
set -u

control=${0%/*}
[ "$control" != "$0" ] || control=.
where=$1
shift
scratch=${LONGSHORE_SCRATCH-}
unset LONGSHORE_SCRATCH
nl='
'

# busybox's date has no %N, and prints the letters instead.
now() {
  ms=$(date +%s%3N)
  case $ms in
    *[!0-9]*) ms=$(date +%s)000 ;;
  esac
  echo "$ms"
}

# Kills what a job left running: it must not take memory from the next one, nor write on.
#
# A container of its own has no other processes than init, this one and the job's. On the host they are the rest of this
# process group.
kill_rest() {
  if [ "$where" = container ]; then
    # -1 means all: never where this is not a container's first or second process.
    if [ "$$" -eq 1 ] || [ "$PPID" -eq 1 ]; then kill -s KILL -- -1 2>/dev/null; fi
    return
  fi
  # proc(5): `pid (name) state ppid pgrp …`. One grep: reading hundreds of files in sh takes 50 ms.
  found=$(grep -sl "^[0-9]* (.*) . [0-9]* $$ " /proc/[0-9]*/stat)
  case $nl$found$nl in
    *"$nl/proc/$$/stat$nl"*) ;;
    *) return ;; # somebody else's group
  esac
  for stat in $found; do
    pid=${stat#/proc/}
    pid=${pid%/stat}
    [ "$pid" = "$$" ] || kill -KILL "$pid" 2>/dev/null
  done
}

tell() {
  echo "{\"level\":\"info\",\"event\":\"$1\",\"job\":\"$job\",\"attempt\":$attempt$2}"
}

child=
signalled=
stopping=
on_term() {
  signalled=1
  stopping=1
  [ -z "$child" ] || kill -TERM "$child" 2>/dev/null
}
trap on_term TERM INT

shared=
exec 6<"$control/members"
while [ -z "$stopping" ] && read -r deadline job attempt dir <&6; do
  # Begun already: this container was started again, and each job has one turn in it.
  if [ -e "$dir/control/skip" ] || [ -e "$dir/control/begun" ]; then continue; fi
  now >"$dir/control/begun"
  tell Job:Turn:Begun ''
  (
    . "$dir/control/env.sh"
    export TMPDIR="$dir/tmp" LONGSHORE_DEADLINE="$deadline" LONGSHORE_SHARED="$shared"
    exec sh "$dir/control/run.sh" "$@" "$dir/input" "$dir/output" 6<&-
  ) &
  child=$!
  [ -z "$stopping" ] || kill -TERM "$child" 2>/dev/null
  # A trapped signal ends `wait` early; a second `wait` for a job that is over says 127.
  code=
  while :; do
    signalled=
    wait "$child"
    got=$?
    if [ -z "$code" ] || [ "$got" -ne 127 ]; then code=$got; fi
    [ -n "$signalled" ] || break
  done
  child=
  kill_rest
  tell Job:Turn:Done ",\"exitCode\":$code"
  # Room for the next one; what cannot be removed (a mount point) stays, empty.
  rm -rf "$dir/tmp" 2>/dev/null
  [ -z "$scratch" ] || rm -rf "$scratch"/* "$scratch"/.[!.]* "$scratch"/..?* 2>/dev/null
  shared=1
done
[ -z "$stopping" ] || exit 143
