"""Where a face is and what lies where in it, NumPy and OpenCV only: `topology`, `filters`, `geometry`,
`mesh`, then `skin`, `pose`, `lighting`, and `change`, which composites a Change into a photo."""
