"""Types are read from many threads at once; a race of two first readings ends a process, so it is tried in one."""

import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from apps.core.structs import converted, decoded

ROOT = Path(__file__).parents[2]
FIRST_READINGS = """
import sys, threading
from msgspec import Struct, defstruct
from apps.core.structs import decoded

sys.setswitchinterval(1e-6)
for _ in range(300):
    fields = [(f"field_{number}", "list[int]", []) for number in range(20)]
    inner = defstruct("Inner", fields)
    outer = defstruct("Outer", [("a", inner), ("b", list[inner])])
    begin = threading.Barrier(4)
    def read():
        begin.wait()
        assert decoded(b'{"a": {"field_3": [1]}, "b": [{}]}', outer).a.field_3 == [1]
    threads = [threading.Thread(target=read) for _ in range(4)]
    for each in threads: each.start()
    for each in threads: each.join()
print("all read")
"""
BARE = re.compile(r"msgspec\.convert\(|json\.decode\([^)]*type=|msgspec\.json\.Decoder\(")


def test_first_readings_of_a_type_by_several_threads_at_once() -> None:
    command = [sys.executable, "-c", FIRST_READINGS]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "all read"), done.stderr


def test_nothing_else_reads_types_by_itself() -> None:
    files = [file for file in (ROOT / "apps").rglob("*.py") if BARE.search(file.read_text())]
    assert files == [ROOT / "apps/core/structs.py"]


def test_what_is_not_of_the_type_is_refused() -> None:
    for read in (lambda: converted({"a": "x"}, dict[str, int]), lambda: decoded(b'{"a": "x"}', dict[str, int])):
        with pytest.raises(msgspec.ValidationError):
            read()
