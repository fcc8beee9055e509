"""Figures of the portal on a large simulated fleet: `make bench`. Ratios and counts, never tests by the clock."""
