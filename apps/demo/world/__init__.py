"""The simulated fleet itself: what is there and in which state. Nothing here knows of HTTP."""
