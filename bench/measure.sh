#!/bin/sh
# measure.sh RESULT COMMAND…: runs the command as the container's only work and writes what it took to the file RESULT.
#
# wall seconds, CPU seconds of the whole container (user + system, from its cgroup), and two peaks of memory:
#   held    anonymous and mapped pages, sampled every 0.1 s: what the processes hold, shared pages counted once
#   charged the kernel's own high-water mark: the same and the page cache that the kernel may drop at any time
# The sampling itself costs about 1 % of one CPU, on both sides of a comparison.
result=$1
shift
cgroup=/sys/fs/cgroup

if [ -e $cgroup/memory.stat ]; then # cgroup v2
  stat=$cgroup/memory.stat keys='anon|file_mapped' peak=$cgroup/memory.peak
  cpu() { sed -n 's/^usage_usec //p' $cgroup/cpu.stat; }
  per_second=1000000
else
  stat=$cgroup/memory/memory.stat keys='total_rss|total_mapped_file' peak=$cgroup/memory/memory.max_usage_in_bytes
  cpu() { cat $cgroup/cpuacct/cpuacct.usage; }
  per_second=1000000000
fi

# No program is started to read the numbers: only the pause is one.
sample() {
  most=0
  while [ ! -e "$result.stop" ]; do
    held=0
    while read -r key value; do
      case "|$keys|" in *"|$key|"*) held=$((held + value)) ;; esac
    done < $stat
    if [ $held -gt $most ]; then most=$held; echo $most > "$result.held"; fi
    sleep 0.1
  done
}

sample &
sampler=$!
cpu_before=$(cpu)
began=$(date +%s.%N)
"$@"
code=$?
ended=$(date +%s.%N)
cpu_after=$(cpu)
touch "$result.stop"
wait $sampler
echo "$began $ended $cpu_before $cpu_after $per_second $(cat "$result.held") $(cat $peak 2> /dev/null || echo 0) $code" > "$result"
exit $code
