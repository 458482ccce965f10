"""The studio as tests speak to it."""

from mien.web.guard import Door

DOOR = Door(8700)
ORIGIN = f"http://{DOOR.hosts[0]}"
