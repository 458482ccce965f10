"""Training: `families` are read first, on `data` and `blocks`; `engine` runs them and exports, `published`
reads others' checkpoints."""
