"""The portal in a browser. A package, so that its tests share one browser and one web process."""
