"""Walk-forward folds: learn from the past, be judged on what follows, move on."""

from __future__ import annotations

from enum import StrEnum

from athena.domain import DAY_NS
from athena.errors import InputError
from athena.research.splits._spans import Span
from athena.research.splits._split import Split

MIN_FOLDS = 5


class Window(StrEnum):
    """What a later fold learns from."""

    EXPANDING = "expanding"
    ROLLING = "rolling"


def walk_forward_folds(
    data: Span,
    *,
    train_ns: int,
    test_ns: int,
    embargo_ns: int,
    window: Window = Window.EXPANDING,
) -> list[Split]:
    """Lay folds over the data; the test span moves by its own length, so that none overlap.

    The first fold learns from the first `train_ns`, waits for the embargo, and is judged on the
    `test_ns` after it. A later one learns from everything before its own embargo (expanding), or
    from the last `train_ns` of that (rolling). What is left at the end is too short for a fold.

    Args:
        data: all there is.
        train_ns: > 0, what the first fold learns from.
        test_ns: > 0, what each fold is judged on.
        embargo_ns: > 0, between the end of training and the test span, and after the test span.
        window: expanding or rolling.

    Raises:
        InputError: a length <= 0, or fewer than 5 folds fit (FC-13); the message says what they
            need.
    """
    lengths = {"train": train_ns, "test": test_ns, "embargo": embargo_ns}
    for name, length_ns in lengths.items():
        if length_ns <= 0:
            message = f"expected a length of {name} above 0, was {length_ns} ns"
            raise InputError(message, hint=f"such as {name} 1d")
    first_ns = data.start_ns + train_ns + embargo_ns
    n_folds = max(0, (data.end_ns - first_ns) // test_ns)
    if n_folds < MIN_FOLDS:
        needed_ns = train_ns + embargo_ns + MIN_FOLDS * test_ns
        message = (
            f"expected data for at least {MIN_FOLDS} folds, {_days(needed_ns)} with these "
            f"lengths, was {_days(data.length_ns)}: enough for {n_folds}"
        )
        raise InputError(message, hint="take more data, or a shorter train or test")
    tests = [
        Span(first_ns + k * test_ns, first_ns + (k + 1) * test_ns) for k in range(int(n_folds))
    ]
    return [
        Split(
            k, (_train(data, test, train_ns, embargo_ns, window),), (test,), embargo_ns, embargo_ns
        )
        for k, test in enumerate(tests)
    ]


def _train(data: Span, test: Span, train_ns: int, embargo_ns: int, window: Window) -> Span:
    end_ns = test.start_ns - embargo_ns
    return Span(end_ns - train_ns if window is Window.ROLLING else data.start_ns, end_ns)


def _days(length_ns: int) -> str:
    return f"{length_ns / DAY_NS:,.1f} days"
