"""PNG pictures of a run, the same pixels on every machine: our SVG, our font, one rasteriser."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

from athena.errors import MissingExtra
from athena.reporting._figures import account_figure, months_figure, price_figure
from athena.research.statistics import summarise

if TYPE_CHECKING:
    from pathlib import Path

    from athena.research import RunRecord
    from athena.research.statistics import RunSummary

_FONTS = ("inter-regular.ttf", "inter-semibold.ttf")


def render_pngs(record: RunRecord, folder: Path, summary: RunSummary | None = None) -> list[Path]:
    """Write the pictures of a run into an existing folder.

    Args:
        record: of the run.
        folder: gets account.png, months.png and one price-BASE-QUOTE.png per symbol.
        summary: its statistics when the caller has them; computed otherwise.

    Returns:
        the files written; a picture with nothing to show (no bar, no month) is left out.

    Raises:
        MissingExtra: the rasteriser is not installed (extra `report`).
    """
    summary = summary or summarise(record)
    figures: dict[str, str] = {}
    if len(record.ts_ns):
        figures["account"] = account_figure(record, summary)
    if summary.monthly:
        figures["months"] = months_figure(record, summary)
    for candles in record.candles:
        if len(candles.ts_ns):
            name = candles.symbol.replace("/", "-")
            figures[f"price-{name}"] = price_figure(record, candles)
    return [_write(folder / f"{name}.png", figure) for name, figure in figures.items()]


def _write(path: Path, figure: str) -> Path:
    content = rasterise(figure)
    part = path.with_suffix(".part")
    part.write_bytes(content)
    part.replace(path)  # never a half-written picture
    return path


def rasterise(figure: str) -> bytes:
    """Turn an SVG document into a PNG with the shipped font and no other.

    Raises:
        MissingExtra: the package resvg-py is not installed.
    """
    try:
        import resvg_py
    except ImportError:
        extra, package = "report", "resvg-py"
        raise MissingExtra(extra, package=package, needed_for="a PNG picture") from None
    assets = resources.files("athena.reporting") / "assets"
    with resources.as_file(assets) as folder:
        fonts = [str(folder / name) for name in _FONTS]
        content = resvg_py.svg_to_bytes(
            svg_string=figure, font_files=fonts, skip_system_fonts=True
        )
    return bytes(content)
