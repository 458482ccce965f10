"""The edits, `Crop -> Change`: what can be asked for (`request`), the floor under ages, then one file an
edit, and the plan (`registry`)."""
