"""Runs: `launch` begins or resumes one, `fit` trains, `checkpoints` keep it, `export` writes what came of it
as .onnx."""
