"""What an edit did: `report` and `compare` for photos, `flicker` for clips, `criteria` and `reference` for
the `benchmark`."""
