"""Folders of pictures as batches: one file a kind of data."""
