"""Athena: a trading desk that can be audited."""

__version__ = "0.1.0"

__all__ = ["__version__"]
