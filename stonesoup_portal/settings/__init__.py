"""Settings: `embedded` (make demo, make run), `production`, `test`; what they share is in `base`."""
