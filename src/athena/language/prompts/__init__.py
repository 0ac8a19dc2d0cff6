"""What a model is shown: facts quoted as data, open or blind."""

from athena.language.prompts._blind import Blinded, Mapped, blind_block
from athena.language.prompts._facts import Asset, Fact, Moment, PriceOf, VolumeOf, Words
from athena.language.prompts._quote import MAX_WORDS, clean, data_block

__all__ = [
    "MAX_WORDS",
    "Asset",
    "Blinded",
    "Fact",
    "Mapped",
    "Moment",
    "PriceOf",
    "VolumeOf",
    "Words",
    "blind_block",
    "clean",
    "data_block",
]
