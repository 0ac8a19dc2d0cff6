"""The chain as one HTML page that opens anywhere and asks nobody for anything."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING, Any

from athena.domain import format_time
from athena.pricing.chain._table import settings_sha256

if TYPE_CHECKING:
    from athena.pricing.chain._analysis import ChainAnalysis
    from athena.pricing.chain._findings import Finding
    from athena.pricing.chain._quotes import ChainSettings
    from athena.pricing.chain._surface import SurfaceSlice

_SHOWN_FINDINGS = 40


def render_chain_report(
    analysis: ChainAnalysis, settings: ChainSettings, *, title: str, file_sha256: str
) -> str:
    """Render the analysis as one self-contained page without scripts; any text is shown as text.

    Args:
        analysis: of a chain.
        settings: it was made with.
        title: such as the name of the file.
        file_sha256: of the file.
    """
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    page = resources.files("athena.pricing.chain") / "report.html"
    template = environment.from_string(page.read_text(encoding="utf-8"))
    return template.render(
        title=title,
        snapshot=format_time(analysis.at_ns),
        rate=f"{analysis.rate:.3%}",
        rows=f"{len(analysis.quotes):,}",
        summary=analysis.summary(),
        # Our own SVG, whose texts the canvas escapes, is the only markup that is not autoescaped.
        pictures=[
            (heading, note, Markup(svg))  # noqa: S704 - see above
            for heading, note, svg in _pictures(analysis)
        ],
        tables=[_statuses(analysis), _expiries(analysis), _findings(analysis)],
        file_sha256=file_sha256,
        settings_sha256=settings_sha256(settings),
    )


def _pictures(analysis: ChainAnalysis) -> list[tuple[str, str, str]]:
    from athena.pricing.chain import _pictures as draw

    shown = []
    if analysis.slices:
        bars = "Bars run from the volatility of the bid to that of the ask; the line is the fit."
        where = "Log-moneyness ln(K / F) across; only where quotes are."
        prices = "What the smiles imply for the price at expiry; not a forecast."
        shown = [
            ("Smiles", bars, draw.smiles_figure(analysis)),
            ("Surface", where, draw.surface_figure(analysis)),
            ("Risk-neutral densities", prices, draw.densities_figure(analysis)),
        ]
    if analysis.findings.found:
        where = "Strike across, days to expiry up."
        shown.append(("Findings", where, draw.findings_figure(analysis)))
    return shown


def _statuses(analysis: ChainAnalysis) -> dict[str, Any]:
    return {
        "title": "Quality of the quotes",
        "note": "Every row of the file has one status.",
        "columns": ("Status", "Rows"),
        "rows": [(name, f"{count:,}") for name, count in analysis.status_counts.items()],
    }


def _expiries(analysis: ChainAnalysis) -> dict[str, Any]:
    slices = {item.forward.expiry_ns: item for item in analysis.slices}
    rows = []
    for item in analysis.forwards:
        fit = slices.get(item.expiry_ns)
        rows.append(
            (
                format_time(item.expiry_ns)[:10],
                item.source,
                f"{item.n_pairs}",
                f"{item.forward:,.4f}",
                f"{item.discount:.6f}",
                f"{item.dividend_yield:.2%}",
                *(_fit_cells(fit) if fit else ("",) * 6),
            )
        )
    return {
        "title": "Expiries",
        "note": "Error is model less mid in volatility points; inside counts models between bid "
        "and ask; mass and mean of the risk-neutral density are 1 without arbitrage.",
        "columns": (
            "Expiry", "Forward from", "Pairs", "Forward", "Discount", "Yield", "Quotes", "Error",
            "Inside", "Mass", "Mean", "Arbitrage left",
        ),
        "rows": rows,
    }  # fmt: skip


def _fit_cells(fit: SurfaceSlice) -> tuple[str, ...]:
    return (
        f"{len(fit.rows)}",
        f"{fit.error_points:.2f}",
        f"{fit.inside_frac:.0%}",
        f"{fit.mass:.5f}",
        f"{fit.mean:.5f}",
        "yes" if fit.has_arbitrage else "no",
    )


def _findings(analysis: ChainAnalysis) -> dict[str, Any]:
    found = analysis.findings
    shown = found.found[:_SHOWN_FINDINGS]
    return {
        "title": "Arbitrage findings",
        "note": f"{found.n_executable:,} executable, {len(found.found):,} in all; "
        f"{len(shown)} shown. Rows are those of the file.",
        "columns": ("Kind", "Rule", "Legs", "Profit", "Half-spreads", "Executable", "Oldest"),
        "rows": [_finding_cells(item) for item in shown],
    }


def _finding_cells(item: Finding) -> tuple[str, ...]:
    legs = ", ".join(f"{leg.side} {leg.quantity:.3g} of row {leg.row}" for leg in item.legs)
    return (
        item.kind,
        item.rule,
        legs,
        f"{item.profit:.4f}",
        f"{item.half_spreads:.2f}",
        "yes" if item.is_executable else "mid only",
        f"{item.oldest_s:.0f} s",
    )
