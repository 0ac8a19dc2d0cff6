"""WordLlama: word vectors of a language model, averaged; small, offline, numpy only."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from athena.errors import MissingExtra

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

_EXTRA = "memory"


class WordLlamaEmbedder:
    """Average the 256-dimensional vectors that the package `wordllama` brings with it."""

    name = "wordllama-l2-256"
    n_dims = 256
    weight = 0.5

    def __init__(self) -> None:
        """Load the vectors from the package's own folder; nothing is downloaded.

        Raises:
            MissingExtra: the package is not installed.
        """
        try:
            import wordllama  # type: ignore[import-not-found, unused-ignore]  # an extra
        except ImportError as error:
            raise MissingExtra(
                _EXTRA, package="wordllama", needed_for="embedding by word vectors"
            ) from error
        folder = Path(wordllama.__file__).parent
        self._model: Any = wordllama.WordLlama.load(cache_dir=folder, disable_download=True)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return (n, 256) vectors."""
        vectors: NDArray[np.float32] = self._model.embed(list(texts))
        return vectors
