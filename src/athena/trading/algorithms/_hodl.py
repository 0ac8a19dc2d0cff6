"""Hodl bags: a share of each realised profit is set aside, kept, and never sold (TR-20)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from athena.domain import DAY_NS, SECOND_NS, OrderType, Purpose, Side
from athena.errors import InputError
from athena.trading._core.arithmetic import part
from athena.trading._intent import Intent
from athena.trading.algorithms._keys import intent_key
from athena.trading.algorithms._progress import Asked, OrderNews, Slice, after_order_news

if TYPE_CHECKING:
    from collections.abc import Sequence

_PPM = 1_000_000
_CENT = 1_000_000
_DOLLAR = 100 * _CENT
_LATE_FILLS = 8  # tries whose orders ended, remembered for fills that come late


@dataclass(frozen=True, slots=True)
class HodlAsset:
    """One asset of the bags.

    Attributes:
        name: of the asset, as in the balances.
        instrument: index in the run that buys it; -1 for the quote currency, which is only kept.
        weight_ppm: part of what is set aside.
        threshold: pending money that starts a purchase.
    """

    name: str
    instrument: int
    weight_ppm: int
    threshold: int


@dataclass(frozen=True, slots=True)
class HodlRules:
    """How profits become bags; money in units of 10^-8 of the quote currency.

    Attributes:
        id: of the bags, unique in the account; keys derive from it.
        strategy: slot of the hodl book.
        assets: the quote currency first; weights add up to all.
        share_ppm: of each realised net profit.
        least_profit: a smaller profit gives nothing.
        event_cap, day_cap: most that one profit, and one UTC day, set aside.
        tries_max, try_after_ns: of a purchase that got nothing.
        slippage_ppm: above it a person is told.
    """

    id: str
    strategy: int
    assets: tuple[HodlAsset, ...]
    share_ppm: int = 100_000
    least_profit: int = _DOLLAR
    event_cap: int = 1_000 * _DOLLAR
    day_cap: int = 5_000 * _DOLLAR
    tries_max: int = 3
    try_after_ns: int = 30 * SECOND_NS
    slippage_ppm: int = 5_000

    def __post_init__(self) -> None:
        """Refuse rules that would lose money between the assets, or buy the quote currency."""
        weights = [asset.weight_ppm for asset in self.assets]
        if not weights or min(weights) < 0 or sum(weights) != _PPM:
            message = f"expected weights >= 0 that add up to 1,000,000 ppm, was {weights}"
            raise InputError(message)
        is_quote = [asset.instrument < 0 for asset in self.assets]
        if not is_quote[0] or any(is_quote[1:]):
            message = "expected the quote currency as the first asset, and only there"
            raise InputError(message)
        if not self.id or not 0 < self.share_ppm <= _PPM or self.tries_max < 1:
            message = f"expected an id, a share within 0..1 and tries >= 1, was {self}"
            raise InputError(message)


def default_assets(quote: str, xrp: int, btc: int) -> tuple[HodlAsset, ...]:
    """Return the default bags: 33.34 % quote, 33.33 % XRP, 33.33 % BTC, with their thresholds.

    Args:
        quote: name of the quote currency.
        xrp: index of the instrument that buys XRP.
        btc: index of the instrument that buys BTC.
    """
    return (
        HodlAsset(quote, -1, 333_400, _DOLLAR),
        HodlAsset("XRP", xrp, 333_300, 25 * _DOLLAR),
        HodlAsset("BTC", btc, 333_300, 15 * _DOLLAR),
    )


@dataclass(frozen=True, slots=True)
class ProfitRealised:
    """A trade closed with this net result, fees and funding taken off."""

    amount: int
    ts_ns: int


@dataclass(frozen=True, slots=True)
class Kept:
    """Pending quote money was moved into the hodl book."""

    amount: int


@dataclass(frozen=True, slots=True)
class PurchaseForced:
    """An admin asked for a pending purchase below its threshold, or after its last try."""

    asset: int


@dataclass(frozen=True, slots=True)
class SnapshotTaken:
    """The bags were written down for a UTC day (days since 1970)."""

    day: int


HodlNews = ProfitRealised | Kept | PurchaseForced | SnapshotTaken | OrderNews


@dataclass(frozen=True, slots=True)
class Bag:
    """One asset's bag.

    Attributes:
        pending: money set aside and not yet turned into the asset; below 0 only when a fill that
            came late overdrew it, which later profits make good.
        spent: money kept, or paid for the asset without fees.
        lots: bought; 0 for the quote currency.
        is_forced: the threshold does not count for the next purchase.
        is_resting: the last try failed; new money or an admin starts the next purchase.
        n_purchases: begun and done with; it makes the keys.
        tries: of the purchase under way.
        ended: newest tries of earlier purchases, for fills that come late.
    """

    pending: int = 0
    spent: int = 0
    lots: int = 0
    is_forced: bool = False
    is_resting: bool = False
    n_purchases: int = 0
    tries: tuple[Slice, ...] = ()
    ended: tuple[Slice, ...] = ()


@dataclass(frozen=True, slots=True)
class Bags:
    """All bags: a fold of the journal, and what the daily snapshot shows.

    Attributes:
        bags: (N,) one per asset of the rules.
        day: UTC day of `set_aside`.
        set_aside: on that day, for the day's cap.
        snapshot_day: of the newest snapshot; -1 before the first.
    """

    bags: tuple[Bag, ...]
    day: int = 0
    set_aside: int = 0
    snapshot_day: int = -1


def empty_bags(rules: HodlRules) -> Bags:
    """Return the bags before the first profit."""
    return Bags(tuple(Bag() for _ in rules.assets))


@dataclass(frozen=True, slots=True)
class Keep:
    """Move quote money into the hodl book; answered by `Kept`."""

    amount: int


@dataclass(frozen=True, slots=True)
class Buy:
    """Ask for a market purchase of an asset."""

    asset: int
    amount: int
    intent: Intent


@dataclass(frozen=True, slots=True)
class TakeSnapshot:
    """Write the bags down for a UTC day; answered by `SnapshotTaken`."""

    day: int


HodlAction = Keep | Buy | TakeSnapshot


def set_aside_parts(rules: HodlRules, amount: int) -> tuple[int, ...]:
    """Split what is set aside by weight: whole cents each, the rounding to the quote currency."""
    others = [part(amount, asset.weight_ppm) // _CENT * _CENT for asset in rules.assets[1:]]
    return (amount - sum(others), *others)


def hodl_due(
    rules: HodlRules, state: Bags, now_ns: int, *, may_trade: bool = True
) -> tuple[HodlAction, ...]:
    """Return what the bags want now; asking after a crash gives the same keys.

    Args:
        rules: of the bags.
        state: folded from the journal.
        now_ns: UTC.
        may_trade: False while no purchase is allowed; tries are not used up then.
    """
    actions: list[HodlAction] = []
    for k, (asset, bag) in enumerate(zip(rules.assets, state.bags, strict=True)):
        if not _is_wanted(asset, bag):
            continue
        if asset.instrument < 0:
            actions.append(Keep(bag.pending))
        elif may_trade and _may_try(rules, bag, now_ns):
            actions.append(_purchase(rules, k, bag))
    day = now_ns // DAY_NS
    if day > state.snapshot_day:
        actions.append(TakeSnapshot(day))
    return tuple(actions)


def _is_wanted(asset: HodlAsset, bag: Bag) -> bool:
    if bag.pending <= 0 or bag.is_resting:
        return False
    return bool(bag.tries) or bag.is_forced or bag.pending >= asset.threshold


def _may_try(rules: HodlRules, bag: Bag, now_ns: int) -> bool:
    if not bag.tries:
        return True
    last = bag.tries[-1]
    return last.is_over and now_ns - last.asked_ns >= rules.try_after_ns


def _purchase(rules: HodlRules, k: int, bag: Bag) -> Buy:
    asset = rules.assets[k]
    intent = Intent(
        side=Side.BUY,
        instrument=asset.instrument,
        purpose=Purpose.HODL,
        type=OrderType.MARKET,
        quote_amount=bag.pending,
        key=_key(rules, k, bag.n_purchases, len(bag.tries)),
    )
    return Buy(k, bag.pending, intent)


def _key(rules: HodlRules, k: int, purchase: int, n_tries: int) -> int:
    # A new try is a new order, so it needs a key of its own; it is made only when the try before
    # it is final and empty, which is what keeps a purchase single.
    return intent_key(f"{rules.id}/{rules.assets[k].name}/{purchase}", "try", n_tries)


def hodl_after(rules: HodlRules, state: Bags, news: HodlNews) -> Bags:
    """Fold one piece of news into the bags; orders of others change nothing.

    Args:
        rules: of the bags.
        state: so far; `empty_bags` at the start.
        news: in the order of the journal.

    Raises:
        InputError: a purchase of an asset is forced that has no bag.
    """
    if isinstance(news, ProfitRealised):
        return _after_profit(rules, state, news)
    if isinstance(news, SnapshotTaken):
        return replace(state, snapshot_day=max(state.snapshot_day, news.day))
    bags = list(state.bags)
    if isinstance(news, Kept):
        quote = bags[0]
        bags[0] = replace(
            quote,
            pending=quote.pending - news.amount,
            spent=quote.spent + news.amount,
            is_forced=False,
        )
    elif isinstance(news, PurchaseForced):
        if not 0 <= news.asset < len(bags):
            message = f"expected an asset from 0 to {len(bags) - 1}, was {news.asset}"
            raise InputError(message)
        bags[news.asset] = replace(bags[news.asset], is_forced=True, is_resting=False)
    elif isinstance(news, Asked):
        bags = [_after_asked(rules, k, bag, news) for k, bag in enumerate(bags)]
    else:
        bags = [_after_news(rules, bag, news) for bag in bags]
    return replace(state, bags=tuple(bags))


def _after_profit(rules: HodlRules, state: Bags, news: ProfitRealised) -> Bags:
    day = max(state.day, news.ts_ns // DAY_NS)
    so_far = state.set_aside if day == state.day else 0
    amount = 0
    if news.amount >= rules.least_profit:
        wanted = part(news.amount, rules.share_ppm)
        amount = max(0, min(wanted, rules.event_cap, rules.day_cap - so_far))
    bags = state.bags
    if amount > 0:
        parts = set_aside_parts(rules, amount)
        bags = tuple(_with_more(bag, more) for bag, more in zip(bags, parts, strict=True))
    return replace(state, bags=bags, day=day, set_aside=so_far + amount)


def _with_more(bag: Bag, amount: int) -> Bag:
    if amount == 0:
        return bag
    return replace(bag, pending=bag.pending + amount, is_resting=False)


def _after_asked(rules: HodlRules, k: int, bag: Bag, news: Asked) -> Bag:
    if news.key != _key(rules, k, bag.n_purchases, len(bag.tries)):
        return bag
    piece = Slice(news.key, news.amount, news.ts_ns, news.reference_ticks)
    return replace(bag, tries=(*bag.tries, piece))


def _after_news(rules: HodlRules, bag: Bag, news: OrderNews) -> Bag:
    """Fold an order's news; the money of a fill leaves the pending at once, however late it is."""
    if isinstance(news, Asked):
        return bag
    tries = tuple(after_order_news(piece, news) for piece in bag.tries)
    ended = tuple(after_order_news(piece, news) for piece in bag.ended)
    spent = _spent((*tries, *ended)) - _spent((*bag.tries, *bag.ended))
    lots = _lots((*tries, *ended)) - _lots((*bag.tries, *bag.ended))
    bag = replace(
        bag,
        tries=tries,
        ended=ended,
        pending=bag.pending - spent,
        spent=bag.spent + spent,
        lots=bag.lots + lots,
    )
    if not tries or not tries[-1].is_over:
        return bag
    is_bought = any(piece.filled_lots > 0 for piece in tries)
    if not is_bought and len(tries) < rules.tries_max:
        return bag
    return replace(
        bag,
        is_forced=False,
        is_resting=not is_bought,
        n_purchases=bag.n_purchases + 1,
        tries=(),
        ended=(*ended, *tries)[-_LATE_FILLS:],
    )


def _spent(tries: Sequence[Slice]) -> int:
    return sum(piece.spent for piece in tries)


def _lots(tries: Sequence[Slice]) -> int:
    return sum(piece.filled_lots for piece in tries)


def dear_purchases(rules: HodlRules, before: Bags, now: Bags) -> tuple[Slice, ...]:
    """Return the tries that ended between two states and paid more than the slippage limit."""
    dear = []
    for old, new in zip(before.bags, now.bags, strict=True):
        known = {piece.key for piece in old.ended}
        dear += [
            piece
            for piece in new.ended
            if piece.key not in known and piece.slippage_ppm() > rules.slippage_ppm
        ]
    return tuple(dear)
