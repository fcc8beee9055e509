"""The portal's own figures for Prometheus. Processes of one machine share them through PROMETHEUS_MULTIPROC_DIR."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

PAGE_SECONDS = Histogram("portal_page_seconds", "Time that a page took to answer.", ["view"], buckets=SECONDS)
TASK_SECONDS = Histogram("portal_task_seconds", "Time that a task took.", ["task"], buckets=SECONDS)
SOURCE_READS = Counter("portal_source_reads", "Reads of a source, by how they ended.", ["source", "outcome"])
UPSTREAM_BYTES = Counter("portal_upstream_bytes", "Bytes that answers of a source took on the wire.", ["source"])
