"""What models were asked and what they said, kept so that it can be said again."""

from athena.language.records._store import ExchangeStore

__all__ = ["ExchangeStore"]
