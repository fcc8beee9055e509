"""The fleet file: what the portal watches, and how."""
