"""Quantities of Kubernetes (apimachinery's resource.Quantity) as numbers."""

from __future__ import annotations

import pytest

from apps.integrations.kubernetes.wire import WireNode, amount, node


@pytest.mark.parametrize(
    ("told", "number"),
    [
        ("16", 16),
        (4, 4),
        ("15500m", 15.5),
        ("62Gi", 62 * 1024**3),
        ("64000000Ki", 64_000_000 * 1024),
        ("1.5k", 1500),
        ("2E", 2e18),
        ("2E3", 2000),
        ("1e3", 1000),
        ("12Ei", 12 * 1024**6),
    ],
)
def test_a_quantity_is_a_number(told: str | int, number: float) -> None:
    assert amount({"cpu": told}, "cpu") == pytest.approx(number)


@pytest.mark.parametrize("told", ["", "x", "-1", "1ki", "1e", "9" * 30, "1 Gi", "0x10", "NaN", "inf"])
def test_what_is_no_quantity_is_not_known(told: str) -> None:
    assert amount({"cpu": told}, "cpu") is None
    assert amount(None, "cpu") is None


def test_a_node_tells_what_pods_may_use() -> None:
    import msgspec

    body = (
        b'{"metadata": {"name": "w1"}, "status": {"allocatable": {"cpu": "15500m", "memory": "62Gi", "pods": "250"}}}'
    )
    told = node(msgspec.json.decode(body, type=WireNode))
    assert (told.cpu, told.memory, told.pods) == (15.5, 62 * 1024**3, 250)
