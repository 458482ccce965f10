"""Checkpoints that others published: read without running anything (`pickle_machine`, `pickle_reader`), told
apart (`detect`), converted."""
