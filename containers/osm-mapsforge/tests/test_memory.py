import os
import tempfile
import unittest

from osm_mapsforge.errors import BadInput
from osm_mapsforge.gcwatch import GcWatch
from osm_mapsforge.memory import heap_mib, killed_for_memory, memory_mib


class Limits(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.cgroup = folder.name

    def write(self, name: str, text: str) -> None:
        path = os.path.join(self.cgroup, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="ascii") as file:
            file.write(text)

    def test_what_the_job_is_told_comes_first(self):
        self.write("memory.max", "104857600\n")
        self.assertEqual(memory_mib({"LONGSHORE_MEMORY_MIB": "3000"}, self.cgroup), 3000)

    def test_then_the_limit_of_cgroup_v2(self):
        self.write("memory.max", "104857600\n")
        self.assertEqual(memory_mib({}, self.cgroup), 100)

    def test_then_the_limit_of_cgroup_v1(self):
        self.write("memory/memory.limit_in_bytes", "209715200\n")
        self.assertEqual(memory_mib({}, self.cgroup), 200)

    def test_without_a_limit_it_is_a_share_of_the_host(self):
        self.write("memory.max", "max\n")
        host = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1024 // 1024
        self.assertAlmostEqual(memory_mib({}, self.cgroup), host / 2, delta=1)

    def test_the_heap_leaves_room_for_the_rest(self):
        for limit in (200, 512, 2048, 30720):
            heap = heap_mib({"LONGSHORE_MEMORY_MIB": str(limit)}, self.cgroup)
            self.assertTrue(limit * 0.4 <= heap <= limit - 64, (limit, heap))

    def test_a_limit_that_is_no_number_is_refused(self):
        with self.assertRaisesRegex(BadInput, "LONGSHORE_MEMORY_MIB=“2GB”"):
            memory_mib({"LONGSHORE_MEMORY_MIB": "2GB"}, self.cgroup)

    def test_a_kill_counts_as_out_of_memory_when_the_kernel_counted_one(self):
        self.write("memory.events", "oom 3\noom_kill 2\n")
        self.assertTrue(killed_for_memory(1, self.cgroup))
        self.assertFalse(killed_for_memory(2, self.cgroup))
        self.assertTrue(killed_for_memory(None, self.cgroup))


class Spinning(unittest.TestCase):
    """The log lines are those of OpenJDK 17's serial collector."""

    def watch(self, lines: list[str]) -> GcWatch:
        file = tempfile.NamedTemporaryFile("w", suffix=".log")
        self.addCleanup(file.close)
        file.write("".join(line + "\n" for line in lines))
        file.flush()
        return GcWatch(file.name)

    def full(self, number: int, at: float, after: int, ms: float) -> str:
        return f"[{at:.3f}s] GC({number}) Pause Full (Allocation Failure) 120M->{after}M(120M) {ms:.3f}ms"

    def test_full_collections_without_end_and_gain_are_told(self):
        lines = [self.full(number, 20 + number * 0.5, 119, 495) for number in range(30)]
        self.assertTrue(self.watch(lines).spinning())

    def test_full_collections_that_free_memory_are_none_of_it(self):
        lines = [self.full(number, 20 + number * 0.5, 60, 495) for number in range(30)]
        self.assertFalse(self.watch(lines).spinning())

    def test_a_busy_run_with_time_for_work_goes_on(self):
        lines = [self.full(number, 20 + number * 0.5, 119, 200) for number in range(30)]
        self.assertFalse(self.watch(lines).spinning())

    def test_young_collections_do_not_count(self):
        lines = [f"[{20 + n * 0.1:.3f}s] GC({n}) Pause Young (Allocation Failure) 279M->175M(379M) 25.770ms" for n in range(100)]
        self.assertFalse(self.watch(lines).spinning())

    def test_no_log_yet_is_no_trouble(self):
        self.assertFalse(GcWatch("/nonexistent/gc.log").spinning())
