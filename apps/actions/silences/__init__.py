"""Silences as guarded actions: asked for with a preview of what they hide, sent once, settled by what is read back."""
