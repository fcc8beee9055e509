"""Argo CD's REST API as version 3.6 was recorded to answer, over the simulated world."""
