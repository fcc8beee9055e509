"""Each fault that the portal claims to stand has a test that names its number, as F12 or _f12."""

from __future__ import annotations

import ast
import re
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
CASES = {*range(1, 30), *range(31, 47), *range(50, 61)}
NUMBER = re.compile(r"(?:\bF|_f)(\d{1,2})(?=\b|_|$)")


def cases_named_in(path: Path) -> set[int]:
    """Numbers in the names and docstrings of the file's tests, and in its own docstring if it has tests at all."""
    tree = ast.parse(path.read_text())
    tests = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]
    texts = [f"{test.name} {ast.get_docstring(test) or ''}" for test in tests]
    return {int(number) for text in texts for number in NUMBER.findall(text)}


def test_every_case_of_this_part_is_named_by_a_test() -> None:
    named: set[int] = set()
    for path in TESTS.rglob("test_*.py"):
        named |= cases_named_in(path)
    assert sorted(CASES - named) == []
