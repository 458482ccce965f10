"""The version, in the one place that packaging, labels and the command line read it from."""

__version__ = "0.1.0"
