#!/bin/sh
# Starts the task's command and writes down how it ended:
#
#     sh CONTROL/run.sh COMMAND… INPUT OUTPUT
#
# CONTROL is the folder that this file is in. What is left there:
#   exit.json   how it ended (ExitRecord in lib/pipeline/attempt-record.ts), written last, by rename
#   log.jsonl   what it printed, one JSON object a line, in order; the same goes to this script's stdout. Every line has the
#               fields of docs/logs.md: time, level, job, run, task, attempt, name; what the command says itself counts more
#
# Where there is a CONTROL/next.sh, a command that went well is followed by that script, in this one's place: the step that
# fetches, by the command it fetched for (lib/stage/fetch.ts).
#
# It runs in the user's image, so it may use only what every small image has: a POSIX sh, sed, dd, tee, mkfifo, date, cut,
# and the file tools (busybox has them all). SIGTERM and SIGINT are passed to the command as SIGTERM.
#
# Environment:
#   LONGSHORE_CGROUP    the folder with this container's cgroup files (default /sys/fs/cgroup). Set it to nothing where there is
#                       no container: the numbers there would be the whole machine's
#   LONGSHORE_DEADLINE  seconds after which the command gets SIGTERM, and LONGSHORE_GRACE (30) seconds later SIGKILL
#   LONGSHORE_SHARED    not empty: other commands ran in this container before. The kernel's numbers are theirs too
set -u

control=${0%/*}
[ "$control" != "$0" ] || control=.
cgroup=${LONGSHORE_CGROUP-/sys/fs/cgroup}
deadline=${LONGSHORE_DEADLINE-}
grace=${LONGSHORE_GRACE-30}
shared=${LONGSHORE_SHARED-}
unset LONGSHORE_CGROUP LONGSHORE_DEADLINE LONGSHORE_GRACE LONGSHORE_SHARED
nl='
'
tab=$(printf '\t')
cr=$(printf '\r')
esc=$(printf '\033')

# busybox's date has no %N, and prints the letters instead.
now() {
  ms=$(date +%s%3N)
  case $ms in
    *[!0-9]*) ms=$(date +%s)000 ;;
  esac
  echo "$ms"
}

# The text of a JSON string. Control characters without a short name are not text: they become U+FFFD.
escape="s/\\\\/\\\\\\\\/g
s/\"/\\\\\"/g
s/$cr\$//
s/$tab/\\\\t/g
s/$cr/\\\\r/g
s/$esc/\\\\u001b/g
s/[[:cntrl:]]/\\\\ufffd/g"

# When a chunk was read, as in 2026-11-24T09:00:00.000Z; to the second where date has no %N.
stamp() {
  at=$(date -u +%Y-%m-%dT%H:%M:%S.%3NZ)
  case $at in
    *[%N]*) at=$(date -u +%Y-%m-%dT%H:%M:%SZ) ;;
  esac
  echo "$at"
}

# A command of sed's that gives lines of JSON a field, in front, if they have none of that name.
field() {
  # In a replacement these three mean something.
  printf '/"%s":/!s/^{/{"%s":%s,/\n' "$1" "$1" "$(printf '%s' "$2" | sed 's/[\\&/]/\\&/g')"
}
text_field() {
  [ -z "$2" ] || field "$1" "\"$(printf '%s\n' "$2" | LC_ALL=C sed "$escape" | tr -d '\n')\""
}
# The last line that is not blank.
last_line='/[^[:space:]]/h
${
x
p
}'

# Reads a stream of the command until its end, and logs it.
#
# sed alone would hold lines back until it has 4 KB (busybox has no -u), and progress could not be followed. So a chunk is
# whatever the pipe holds at the moment, completed to a whole line: one line while little is printed, many when it is much.
# The lock keeps chunks of stdout and stderr apart; it is one empty line in a fifo, taken by reading it.
pump() {
  LC_ALL=C # bytes: an invalid UTF-8 sequence must not stop sed
  export LC_ALL
  wrap="/^[[:space:]]*\$/d
/^{[[:space:]]*\".*}\$/{
/[[:cntrl:]]/!b fields
}
$escape
s/^/{\"level\":\"info\",\"event\":\"Process:Say:Line\",\"stream\":\"$1\",\"message\":\"/
s/\$/\"}/
:fields
$fields"
  last=
  while :; do
    chunk=$(
      dd bs=65536 count=1 2>/dev/null
      echo .
    )
    chunk=${chunk%.}
    [ -n "$chunk" ] || break
    case $chunk in
      *"$nl") chunk=${chunk%"$nl"} ;;
      *)
        IFS= read -r rest || :
        chunk=$chunk$rest
        ;;
    esac
    IFS= read -r _ <&7
    printf '%s\n' "$chunk" | sed "$wrap
$(field time "\"$(stamp)\"")" | tee -a "$control/log.jsonl"
    echo >&7
    [ "$1" = stderr ] || continue
    # Cut to 2,000 bytes: it is one sentence in a receipt, and a stack trace on one line would drown it.
    line=$(printf '%s\n' "$chunk" | sed -n "$last_line" | cut -b 1-2000)
    [ -n "$line" ] || continue
    last=$line
    printf '%s\n' "$last" 2>/dev/null >"$control/last"
  done
  # Once more: on a full disk this one has the room that was kept for it.
  [ "$1" != stderr ] || [ -z "$last" ] || printf '%s\n' "$last" >"$control/last"
}

# First number in a file, if there is one.
number() {
  if [ -r "$1" ] && read -r value _ <"$1"; then
    case $value in
      '' | *[!0-9]*) ;;
      *) echo "$value" ;;
    esac
  fi
}

# The number beside a name in a file of `name number` lines.
named_number() {
  if [ -r "$1" ]; then
    sed -n "s/^$2 \\([0-9][0-9]*\\)\$/\\1/p" "$1"
  fi
}

# Both: cgroup v2 (memory.peak since Linux 5.19), else v1.
peak_memory() {
  [ -n "$cgroup" ] || return
  bytes=$(number "$cgroup/memory.peak")
  [ -n "$bytes" ] || bytes=$(number "$cgroup/memory/memory.max_usage_in_bytes")
  echo "$bytes"
}
oom_kills() {
  [ -n "$cgroup" ] || return
  count=$(named_number "$cgroup/memory.events" oom_kill)
  [ -n "$count" ] || count=$(named_number "$cgroup/memory/memory.oom_control" oom_kill)
  echo "$count"
}

write_exit() {
  peak=$(peak_memory)
  kills=$(oom_kills)
  if [ -n "$shared" ]; then
    # A mark that did not rise was made by a command before this one: how much this one took, nobody knows.
    [ "${peak:-0}" -gt "${peak_before:-0}" ] || peak=
    [ -z "$kills" ] || kills=$((kills - ${kills_before:-0}))
  fi
  json="{\"exitCode\":$1,\"startedAt\":$2,\"endedAt\":$3"
  [ -z "$peak" ] || json="$json,\"peakMemoryBytes\":$peak"
  [ -z "$kills" ] || json="$json,\"oomKills\":$kills"
  if [ -s "$control/last" ]; then
    last=$(LC_ALL=C sed "$escape" <"$control/last")
    json="$json,\"lastLine\":\"$last\""
  fi
  [ ! -e "$control/deadline" ] || json="$json,\"deadline\":true"
  printf '%s}\n' "$json" >"$control/exit.tmp" && mv "$control/exit.tmp" "$control/exit.json"
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
on_grace_over() {
  signalled=1
  [ -z "$child" ] || kill -KILL "$child" 2>/dev/null
}
trap on_grace_over USR2

# The other way round, as each is put before those that are there.
fields=$(
  text_field name "${LONGSHORE_NAME-}"
  [ -z "${LONGSHORE_ATTEMPT-}" ] || field attempt "$LONGSHORE_ATTEMPT"
  text_field task "${LONGSHORE_TASK-}"
  text_field run "${LONGSHORE_RUN-}"
  text_field job "${LONGSHORE_JOB-}"
  field level '"info"'
)

rm -f "$control/out" "$control/err" "$control/lock" "$control/last" "$control/deadline"
if ! mkfifo "$control/out" "$control/err" "$control/lock"; then
  echo "run.sh: no named pipes can be made in $control" >&2
  exit 70
fi
# Kept for exit.json, which must be written also when the command has filled the disk.
dd if=/dev/zero of="$control/reserve" bs=4096 count=8 2>/dev/null

exec 7<>"$control/lock"
echo >&7
# The pumps end with their streams, not with the signal: the command's last words must still be logged.
(trap '' TERM INT; pump stdout <"$control/out") &
out_pump=$!
(trap '' TERM INT; pump stderr <"$control/err") &
err_pump=$!
exec 8>"$control/out" 9>"$control/err"
rm -f "$control/out" "$control/err" "$control/lock"

# Ends the command at its deadline: the same way as somebody else's SIGTERM would.
watch_deadline() {
  exec 7>&- 8>&- 9>&- >/dev/null 2>&1
  naps=
  trap 'kill $naps; exit' USR1
  # Both at once, and before the command: one that starts processes without end leaves none to be started.
  sleep "$deadline" &
  first=$!
  sleep "$((${deadline%%.*} + grace))" &
  last=$!
  naps="$first $last"
  wait "$first"
  : >"$control/deadline"
  kill -TERM "$$"
  wait "$last"
  kill -USR2 "$$"
}

peak_before=$(peak_memory)
kills_before=$(oom_kills)
started=$(now)
if [ -n "$stopping" ]; then
  code=143
else
  timer=
  if [ -n "$deadline" ]; then
    watch_deadline &
    timer=$!
  fi
  "$@" >&8 2>&9 </dev/null 7>&- 8>&- 9>&- &
  child=$!
  [ -z "$stopping" ] || kill -TERM "$child" 2>/dev/null
  # A trapped signal ends `wait` early; a second `wait` for a command that is gone says 127.
  code=
  while :; do
    signalled=
    wait "$child"
    got=$?
    if [ -z "$code" ] || [ "$got" -ne 127 ]; then code=$got; fi
    [ -n "$signalled" ] || break
  done
  [ -z "$timer" ] || kill -USR1 "$timer" 2>/dev/null
fi
ended=$(now)

rm -f "$control/reserve"
exec 8>&- 9>&-
# What the command started and left running may hold the streams open: its logs are not waited for.
(
  trap '' TERM INT
  exec 7>&- >/dev/null 2>&1
  sleep 5 &
  nap=$!
  trap 'kill "$nap"; exit' USR1
  wait "$nap"
  kill -KILL "$out_pump" "$err_pump"
) &
watchdog=$!
wait "$err_pump"
wait "$out_pump"
kill -USR1 "$watchdog" 2>/dev/null

write_exit "$code" "$started" "$ended"
rm -f "$control/last" "$control/deadline"
if [ "$code" -eq 0 ] && [ -z "$stopping" ] && [ -e "$control/next.sh" ]; then
  exec 7>&-
  export LONGSHORE_CGROUP="$cgroup"
  exec sh "$control/next.sh"
fi
exit "$code"
