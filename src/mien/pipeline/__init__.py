"""Edits carried out: on a photo (`photo`, `session`, `edit`), many (`batch`), clips (`tracking`, `clip_edit`,
`clip_style`, `resume`); and the other verbs: `find`, `stylize`, `generate`, `directions`, `networks`."""
