/** The most memory that this process has held. */
import { readFileSync } from 'node:fs';

/**
 * Resident bytes at their highest, from the kernel's account of this program alone. `process.resourceUsage().maxRSS` will
 * not do: Linux counts into it what the parent held when it forked (a Jest of 360 MB made every child one of 360 MB).
 */
export function peakMemoryBytes(): number {
  const [, kib] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  if (kib === undefined) throw new Error('/proc/self/status tells no VmHWM: this test needs Linux');
  return Number(kib) * 1024;
}
