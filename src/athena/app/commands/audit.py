"""`athena audit`: proof that nothing sees the future."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from athena.app._context import Context, JsonOption
from athena.app._market_options import (
    DataOption,
    FromOption,
    Kind,
    KindOption,
    MarketOptions,
    ParamOption,
    SymbolOption,
    ToOption,
)
from athena.app._output import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from athena.domain import Bars
    from athena.platform.config import Config
    from athena.research.audit import AuditResult, Feature, ProgressReport, Violation
    from athena.research.engine import Setup
    from athena.trading import Strategy

    Job = tuple[str, Callable[[ProgressReport], AuditResult]]

_BARS_OF_ALL = 5_000


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("audit")(audit)


def audit(  # noqa: PLR0913 - the options of the contract
    ctx: typer.Context,
    *,
    strategy: Annotated[
        str | None, typer.Option(help="Built-in name, my_file.py:MyStrategy or module:Class.")
    ] = None,
    feature: Annotated[
        list[str] | None,
        typer.Option(help="Built-in name, or my_file.py:function of bars that returns columns."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="my_file.py:NAME with `name`, `context_bars` and `evaluate(world)`."),
    ] = None,
    is_all: Annotated[
        bool, typer.Option("--all", help="Everything built in: strategies, features, frames.")
    ] = False,
    is_gallery: Annotated[
        bool, typer.Option("--gallery", help="Show that planted leaks are caught, and no twin is.")
    ] = False,
    param: ParamOption = None,
    kind: KindOption = None,
    data: DataOption = None,
    symbol: SymbolOption = None,
    start: FromOption = None,
    end: ToOption = None,
    bars: Annotated[
        int | None,
        typer.Option(min=100, help="Audit on the last so many bars; 5,000 with --all, else all."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Prove that nothing sees the future, at every bar; exit 1 with the first bar that does.

    Example: athena audit --strategy sma_cross --data btc-usd-30m
    """
    from athena.errors import InputError

    context = Context.of(ctx, as_json=as_json)
    asked = [strategy is not None, bool(feature), model is not None, is_all, is_gallery]
    if sum(asked) != 1:
        message = "expected one of --strategy, --feature, --model, --all and --gallery"
        raise InputError(message, hint="athena audit --strategy sma_cross --data btc-usd-30m")
    if is_gallery:
        _show_gallery(context)
        return
    options = MarketOptions(
        strategy=strategy or "hold",
        param=param or (),
        data=data or (),
        symbol=symbol or (),
        start=start,
        end=end,
        kind=kind,
    )
    bench = _Bench(context, options, bars or (_BARS_OF_ALL if is_all else None))
    if strategy is not None:
        jobs = [bench.strategy(options)]
    elif feature:
        jobs = [bench.feature(name) for name in feature]
    elif model is not None:
        jobs = [bench.model(model)]
    else:
        jobs = bench.everything()
    results = _run(context, jobs)
    context.output.emit(_payload(results), *_report(results))
    if not all(result.is_clean for result in results):
        raise typer.Exit(1)


class _Bench:
    """The data that everything is audited on, and the limits that strategies run under."""

    def __init__(self, context: Context, options: MarketOptions, n_bars: int | None) -> None:
        from athena.research.audit import World
        from athena.research.runs import load_sources

        self._home = context.home
        self._config = options.config(context)
        request = options.request(context)
        loaded = load_sources(request, context.home)[1]
        longest = max(loaded, key=len)
        start_ns = None if n_bars is None else int(longest.ts_ns[max(len(longest) - n_bars, 0)])
        cut = [item.between(start_ns, None) for item in loaded]
        self._options = options
        self._context = context
        self.world = World.of(cut)

    def strategy(self, options: MarketOptions) -> Job:
        """Audit a strategy."""
        from athena.research.audit import audit_strategy
        from athena.research.strategies import build_strategy, find_strategy

        request = options.request(self._context)
        kind = options.kind.value if options.kind else "woken"
        name, found = find_strategy(request.strategy, kind=kind)
        parameters = dict(request.parameters)
        build_strategy(found, parameters)  # refused here, before the work

        def renew() -> Callable[[], Strategy]:
            return partial(
                build_strategy, find_strategy(request.strategy, kind=kind)[1], parameters
            )

        shown = f"{name}, {kind}" if ":" not in request.strategy else name

        def job(on_progress: ProgressReport) -> AuditResult:
            return audit_strategy(
                shown,
                renew,
                self.world,
                make_setup=self._setup("default"),
                make_open_setup=self._setup("open"),
                on_progress=on_progress,
            )

        return shown, job

    def _setup(self, risk: str) -> Callable[[tuple[Bars, ...]], Setup]:
        """Return how a run over bars is set up: with the configured costs, or with none."""
        import dataclasses

        from athena.research.engine import EngineKind
        from athena.research.runs import setup_of

        config = self._config if risk == "default" else _without_costs(self._config)
        request = dataclasses.replace(
            self._options.request(self._context), risk=risk, engine=EngineKind.PYTHON
        )
        return lambda bars: setup_of(request, config, list(bars), self._home)

    def feature(self, name: str) -> Job:
        """Audit a feature: a built-in one, or a function of bars."""
        from athena.errors import InputError
        from athena.research.audit import audit, find_feature

        if len(self.world.bars) > 1 and ":" in name:
            message = f"expected one --data with a feature of your own, was {len(self.world.bars)}"
            raise InputError(message, hint="it is a function of one instrument's bars")
        renew = partial(find_feature, name, self.world.bars[0].interval_ns)
        return renew().name, partial(audit, renew, self.world)

    def model(self, name: str) -> Job:
        """Audit whatever keeps the protocol."""
        from athena.research.audit import audit, load_subject

        renew = partial(load_subject, name)
        return renew().name, partial(audit, renew, self.world)

    def everything(self) -> list[Job]:
        """Audit everything that is built in."""
        import dataclasses

        from athena.research.audit import audit, market_features
        from athena.research.strategies import BUILT_IN

        strategies = [
            self.strategy(dataclasses.replace(self._options, strategy=name, kind=Kind(kind)))
            for name, info in BUILT_IN.items()
            for kind in info.kinds
        ]
        features = [
            (item.name, partial(audit, partial(_as_it_is, item), self.world))
            for item in market_features(self.world.bars[0].interval_ns)
        ]
        return strategies + features


def _as_it_is(feature: Feature) -> Feature:
    return feature


def _without_costs(config: Config) -> Config:
    """Charge nothing, so that null worlds show what a strategy earns."""
    from decimal import Decimal

    free = dict.fromkeys(("taker_fee_bps", "maker_fee_bps", "base_cost_bps"), Decimal(0))
    return config.model_copy(update={"costs": config.costs.model_copy(update=free)})


def _run(context: Context, jobs: Sequence[Job]) -> list[AuditResult]:
    """Audit one after the other, with progress."""
    results = []
    with context.output.progress("audit", len(jobs), "audits") as progress:

        def report(k: int, name: str, part: str, done: int, of: int) -> None:
            progress(k + done / of, f"{name}: {part}")

        for k, (name, job) in enumerate(jobs):
            results.append(job(partial(report, k, name)))
            progress(k + 1, name)
    return results


def _payload(results: Sequence[AuditResult]) -> dict[str, Any]:
    violations = [item for result in results for item in result.violations]
    return {
        "checked": len(results),
        "points": sum(result.n_points for result in results),
        "violations": [_public(item) for item in violations],
        "items": [
            {
                "name": result.name,
                "clean": result.is_clean,
                "points": result.n_points,
                "bars": result.n_bars,
                "runs": result.n_runs,
                "cpu_s": result.cpu_s,
                "unproven": list(result.unproven),
                "methods": list(result.methods),
                "warnings": list(result.warnings),
            }
            for result in results
        ],
    }


def _public(item: Violation) -> dict[str, Any]:
    from athena.domain import ns_to_datetime

    return {
        "name": item.name,
        "output": item.output,
        "bar": item.bar,
        "time": ns_to_datetime(item.time_ns),
        "full": item.full,
        "prefix": item.prefix,
        "inputs": list(item.inputs),
        "method": item.method,
    }


def _report(results: Sequence[AuditResult]) -> list[str | Table]:
    rows = [
        (
            result.name,
            _verdict(result),
            f"{result.n_points:,}",
            f"{result.n_bars:,}",
            f"{result.cpu_s:.1f}",
        )
        for result in results
    ]
    parts: list[str | Table] = [Table(("audited", "", ">values", ">bars", ">CPU s"), rows)]
    for result in results:
        parts += [_sentence(item) for item in result.violations]
        parts += [f"{result.name}: not proven: {text}" for text in result.unproven]
        parts += [f"{result.name}: {warning}" for warning in result.warnings]
        if not result.violations and not result.n_points:
            parts.append(
                f"{result.name}: nothing was defined on {result.n_bars} bars, so nothing is proven"
            )
    n_clean = sum(result.is_clean for result in results)
    parts.append(f"{n_clean} of {len(results)} see nothing of the future")
    return parts


def _verdict(result: AuditResult) -> str:
    if result.violations:
        return "SEES THE FUTURE"
    if result.unproven:
        return "NOT PROVEN"
    return "clean" if result.n_points else "nothing to check"


def _sentence(item: Violation) -> str:
    from athena.domain import format_time

    changed = f", changed by later {', '.join(item.inputs)}" if item.inputs else ""
    return (
        f"{item.name}: {item.output} at bar {item.bar} ({format_time(item.time_ns)}) is "
        f"{item.full} on all data, {item.prefix} without what came later{changed}; "
        f"found by {item.method}"
    )


def _show_gallery(context: Context) -> None:
    """Audit every specimen of the gallery and its honest twin.

    Raises:
        typer.Exit: 1, a leak was not caught or a twin was accused.
    """
    from athena.research.audit.gallery import audit_gallery

    with context.output.progress("gallery", 1, "galleries") as progress:
        found = audit_gallery(lambda done, total: progress(done / total))
    rows = [
        (
            item.specimen.name,
            item.specimen.how,
            "caught" if item.leaking.violations else "MISSED",
            item.leaking.violations[0].method if item.leaking.violations else "",
            "clean" if item.honest.is_clean else "ACCUSED",
        )
        for item in found
    ]
    n_right = sum(item.is_right for item in found)
    payload = _payload([item.leaking for item in found]) | {
        "gallery": [
            {"name": row[0], "caught": row[2] == "caught", "twin_clean": row[4] == "clean"}
            for row in rows
        ]
    }
    columns = ("planted leak", "what it knows", "", "by", "honest twin")
    line = f"{n_right} of {len(found)} leaks caught, their twins clean"
    context.output.emit(payload, Table(columns, rows), line)
    if n_right < len(found):
        raise typer.Exit(1)
