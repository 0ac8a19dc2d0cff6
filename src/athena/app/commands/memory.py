"""`athena memory`: the six operations, the real erasure, and how well entries are found."""

from __future__ import annotations

import math
import sys
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from athena.app._context import Context, JsonOption
from athena.app._output import Table
from athena.errors import InputError, MissingError, RefusedError

if TYPE_CHECKING:
    from athena.memory import Added, EntryType, FactKey, Question, Recall
    from athena.memory.evaluation import Arm, Evaluation

# The names of `EntryType`, which is not imported for every command.
_Kind = Literal["decision", "outcome", "lesson", "fact", "event", "workflow", "preference"]
_OWNER = "the owner of this home"
_IdArgument = Annotated[str, typer.Argument(help="Id of an entry.")]
_TextArgument = Annotated[str, typer.Argument(help="What to remember.")]
_QueryArgument = Annotated[str, typer.Argument(help="What is asked, in words.")]
_ReasonOption = Annotated[str, typer.Option(help="Why; it is recorded.")]
_SourceOption = Annotated[str, typer.Option(help="Where it comes from.")]
_TrustOption = Annotated[
    Literal["own", "verified", "external"], typer.Option(help="Who vouches for it.")
]
_FromOption = Annotated[str | None, typer.Option(help="Since when it is true; else now.")]
_AsOfOption = Annotated[
    str | None, typer.Option(help="Answer as it was known then: a time, or a recall's known_ns.")
]
_TypeOption = Annotated[
    list[str] | None, typer.Option("--type", help="Only of this type; may be repeated.")
]
_NamespaceOption = Annotated[
    list[str] | None, typer.Option("--namespace", help="Only of this namespace; may be repeated.")
]
_EmbedderName = Literal["hashed", "wordllama"] | None
_EmbedderOption = Annotated[
    _EmbedderName,
    typer.Option(help="Whose vectors are compared; else wordllama where it is installed."),
]


def register(app: typer.Typer) -> None:
    """Add the group `memory` to the command line."""
    group = typer.Typer(help="What is remembered, as of any moment.", no_args_is_help=True)
    group.command("add")(add)
    group.command("update")(update)
    group.command("delete")(delete)
    group.command("erase")(erase)
    group.command("retrieve")(retrieve)
    group.command("summary")(summary)
    group.command("filter")(filter_hits)
    group.command("stats")(stats)
    group.command("export")(export)
    group.command("import")(import_history)
    group.command("eval")(evaluate_file)
    app.add_typer(group, name="memory")


def add(  # noqa: PLR0913  # one parameter for each option
    ctx: typer.Context,
    text: _TextArgument,
    *,
    kind: Annotated[_Kind, typer.Option("--type", help="What it is.")] = "fact",
    namespace: Annotated[str, typer.Option(help="Whose memory it is.")] = "shared",
    source: _SourceOption = "",
    trust: _TrustOption = "own",
    key: Annotated[
        str | None,
        typer.Option(help="SYMBOL:ATTRIBUTE[:PERIOD] of a fact; it supersedes the one there."),
    ] = None,
    episode: Annotated[str, typer.Option(help="Entries of one episode follow each other.")] = "",
    link: Annotated[
        list[str] | None, typer.Option(help="Id of an entry it rests on; may be repeated.")
    ] = None,
    valid_from: _FromOption = None,
    valid_to: Annotated[str | None, typer.Option(help="Until when it is true.")] = None,
    embedder: _EmbedderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remember something; the same words within 24 hours stay one entry.

    Example: athena memory add "Kraken lists XRP again" --source news/17 --trust external
    """
    from athena.app._memory_home import read_moment, remembering
    from athena.memory import EntryType, Note, Trust

    context = Context.of(ctx, as_json=as_json)
    context.start_logging()
    note = Note(
        text,
        type=EntryType(kind),
        namespace=namespace,
        source=source,
        trust=Trust(trust),
        key=_key(key),
        episode=episode,
        links=tuple(link or ()),
        valid_from_ns=read_moment(valid_from),
        valid_to_ns=read_moment(valid_to),
    )
    with remembering(context, embedder) as memory:
        added = memory.add(note)
    context.output.emit(
        {
            "id": added.id,
            "is_new": added.is_new,
            "replaces": added.replaces or None,
            "disputes": added.disputes or None,
        },
        _added_in_words(added),
    )


def update(  # noqa: PLR0913  # one parameter for each option
    ctx: typer.Context,
    entry_id: _IdArgument,
    text: _TextArgument,
    *,
    source: _SourceOption = "",
    trust: _TrustOption = "own",
    valid_from: _FromOption = None,
    embedder: _EmbedderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record a new version of an entry; the old one stays in history.

    Example: athena memory update fact-1 "Kraken lists XRP again, with margin"
    """
    from athena.app._memory_home import read_moment, remembering
    from athena.memory import Trust

    context = Context.of(ctx, as_json=as_json)
    context.start_logging()
    with remembering(context, embedder) as memory:
        found = memory.update(
            entry_id,
            text,
            source=source,
            trust=Trust(trust),
            valid_from_ns=read_moment(valid_from),
        )
    context.output.emit(
        {"id": found.id, "replaces": entry_id}, f"{found.id} takes the place of {entry_id}"
    )


def delete(
    ctx: typer.Context, entry_id: _IdArgument, *, reason: _ReasonOption = "",
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Hide an entry from now on; questions about an earlier time still find it.

    Example: athena memory delete fact-1 --reason "it was a rumour"
    """
    from athena.app._memory_home import remembering

    context = Context.of(ctx, as_json=as_json)
    context.start_logging()
    with remembering(context) as memory:
        memory.delete(entry_id, reason)
    context.output.emit({"id": entry_id}, f"{entry_id} is hidden from now on")


def erase(
    ctx: typer.Context,
    entry_id: _IdArgument,
    *,
    reason: _ReasonOption,
    yes: Annotated[bool, typer.Option("--yes", help="Erase without asking.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Remove what an entry and its versions say for good, in the past too; this is recorded.

    Where operators are enrolled, only an admin may. Backups made before still hold the words.

    Example: athena memory erase fact-1 --reason "a person asked for it" --yes
    """
    from athena.app._memory_home import remembering

    context = Context.of(ctx, as_json=as_json)
    context.start_logging()
    by = _who_may_erase(context, entry_id)
    if not yes:
        _confirm(context, entry_id)
    with remembering(context) as memory:
        erased = memory.erase(entry_id, reason, by)
    context.output.emit(
        {"erased": list(erased), "by": by},
        f"erased for good: {', '.join(erased)}; backups made before still hold the words",
    )


def retrieve(  # noqa: PLR0913  # one parameter for each option
    ctx: typer.Context,
    query: _QueryArgument,
    *,
    k: Annotated[int, typer.Option(min=1, max=1000, help="Most hits.")] = 5,
    as_of: _AsOfOption = None,
    valid_at: Annotated[
        str | None, typer.Option(help="Only what was true in the world then.")
    ] = None,
    kinds: _TypeOption = None,
    namespaces: _NamespaceOption = None,
    embedder: _EmbedderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find the entries that fit a question best, as of any moment.

    Example: athena memory retrieve "what moved XRP" --k 3 --as-of 2026-01-31
    """
    from athena.app._memory_home import hit_values, hits_table, read_moment, show_moment
    from athena.memory import Question

    context = Context.of(ctx, as_json=as_json)
    context.start_logging()
    question = Question(
        query,
        k,
        read_moment(as_of),
        _types(kinds),
        frozenset(namespaces or ()),
        read_moment(valid_at),
    )
    recall = _recall(context, question, embedder)
    context.output.emit(
        {
            "hits": [hit_values(hit) for hit in recall.hits],
            "known_at": show_moment(recall.known_ns or None),
            "known_ns": recall.known_ns,
            "embedder": recall.embedder,
        },
        hits_table(recall.hits) if recall.hits else "nothing fits",
    )


def summary(  # noqa: PLR0913  # one parameter for each option
    ctx: typer.Context,
    query: _QueryArgument,
    *,
    k: Annotated[int, typer.Option(min=1, max=1000, help="Sum up so many hits.")] = 20,
    as_of: _AsOfOption = None,
    embedder: _EmbedderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Sum up what is known about a question in 30 % of the tokens, in its own sentences.

    Example: athena memory summary "what moved XRP"
    """
    from athena.app._memory_home import read_moment
    from athena.memory import Question
    from athena.memory.agent import SUMMARY_SHARE, summarise_texts
    from athena.memory.entries import count_tokens

    context = Context.of(ctx, as_json=as_json)
    context.start_logging()
    recall = _recall(context, Question(query, k, read_moment(as_of)), embedder)
    texts = [hit.text for hit in recall.hits]
    n_before = sum(count_tokens(text) for text in texts)
    text, places = summarise_texts(texts, query, int(SUMMARY_SHARE * n_before))
    sources = [recall.hits[place].id for place in places]
    context.output.emit(
        {
            "text": text,
            "sources": sources,
            "tokens": count_tokens(text),
            "tokens_before": n_before,
        },
        text or "nothing fits",
        *([f"from {', '.join(sources)}"] if sources else []),
    )


def filter_hits(  # noqa: PLR0913  # one parameter for each option
    ctx: typer.Context,
    query: _QueryArgument,
    *,
    threshold: Annotated[
        float, typer.Option(min=0, max=1, help="Least share of the query's words.")
    ] = 0.5,
    k: Annotated[int, typer.Option(min=1, max=1000, help="Of so many hits.")] = 20,
    as_of: _AsOfOption = None,
    embedder: _EmbedderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Keep those hits that have enough of the query's words, and name the others.

    Example: athena memory filter "what moved XRP" --threshold 0.5
    """
    from athena.app._memory_home import hit_values, hits_table, read_moment
    from athena.memory import Question
    from athena.memory.entries import share_of_words

    context = Context.of(ctx, as_json=as_json)
    context.start_logging()
    recall = _recall(context, Question(query, k, read_moment(as_of)), embedder)
    kept = [hit for hit in recall.hits if share_of_words(query, hit.text) >= threshold]
    dropped = [hit.id for hit in recall.hits if hit not in kept]
    context.output.emit(
        {"kept": [hit_values(hit) for hit in kept], "dropped": dropped},
        hits_table(kept) if kept else "nothing is left",
        *([f"dropped: {', '.join(dropped)}"] if dropped else []),
    )


def stats(
    ctx: typer.Context, *, embedder: _EmbedderOption = None, as_json: JsonOption = False
) -> None:
    """Count what is held, by namespace and type, and name the embedder.

    Example: athena memory stats
    """
    from athena.app._memory_home import remembering, show_moment

    context = Context.of(ctx, as_json=as_json)
    context.start_logging()
    with remembering(context, embedder) as memory:
        found = memory.statistics()
    payload = {
        "entries": found.n_open,
        "versions": found.n_versions,
        "erased": found.n_erased,
        "events": found.n_events,
        "without_vector": found.n_without_vector,
        "namespaces": found.namespaces,
        "types": found.types,
        "embedder": found.embedder,
        "newest": show_moment(found.newest_ns or None),
    }
    shown = [(name, _in_words(value)) for name, value in payload.items()]
    context.output.emit(payload, Table(("what", "is"), shown))


def export(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="File of JSON lines to write.")],
    *,
    as_json: JsonOption = False,
) -> None:
    """Write the whole history, closed versions too, as JSON lines.

    Example: athena memory export memory.jsonl
    """
    from athena.app._memory_home import remembering
    from athena.memory import export_lines
    from athena.platform import staged_file

    context = Context.of(ctx, as_json=as_json)
    context.start_logging()
    n_lines = 0
    with remembering(context) as memory, staged_file(file.absolute()) as target:
        for line in export_lines(memory):
            target.write(f"{line}\n".encode())
            n_lines += 1
    n_events = n_lines - 2
    context.output.emit({"file": file, "events": n_events}, f"{n_events:,} events in {file}")


def import_history(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="File that `athena memory export` wrote.")],
    *,
    embedder: _EmbedderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a whole history into a home without one: all of it or nothing.

    Example: athena memory import memory.jsonl
    """
    from athena.app._memory_home import embed_what_lacks, remembering
    from athena.memory import import_lines
    from athena.platform import storage_errors

    context = Context.of(ctx, as_json=as_json)
    context.start_logging()
    if not file.is_file():
        message = f"expected a file at {file}, was none"
        raise MissingError(message, hint="athena memory export FILE")
    with remembering(context, embedder) as memory:
        try:
            with storage_errors(file), file.open(encoding="utf-8") as lines:
                n_events = import_lines(memory, lines)
        except UnicodeDecodeError as error:
            message = f"expected text in UTF-8 in {file}, was {error.reason}"
            raise InputError(message, hint="export it again") from error
        n_embedded = embed_what_lacks(context, memory)
    context.output.emit(
        {"events": n_events, "embedded": n_embedded},
        f"{n_events:,} events taken in, {n_embedded:,} entries embedded",
    )


def evaluate_file(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="Questions with the ids that answer them.")],
    *,
    embedder: _EmbedderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure how well entries are found, each part against its absence and two baselines.

    The file is LoCoMo's, or one of the form in docs/explanation/memory.md. The home is untouched.

    Example: athena memory eval locomo10.json
    """
    from athena.app._memory_home import choose_embedder
    from athena.memory.evaluation import evaluate, read_dialogues

    context = Context.of(ctx, as_json=as_json)
    context.start_logging()
    dialogues = read_dialogues(file)
    with context.output.progress("asking", 1.0) as progress:
        found = evaluate(dialogues, choose_embedder(embedder), progress)
    context.output.emit(_evaluation_values(found), *_evaluation_parts(found))


def _recall(context: Context, question: Question, embedder: _EmbedderName) -> Recall:
    from athena.app._memory_home import embed_what_lacks, remembering

    with remembering(context, embedder) as memory:
        embed_what_lacks(context, memory)
        return memory.retrieve(question)


def _key(text: str | None) -> FactKey | None:
    from athena.memory import FactKey

    if text is None:
        return None
    parts = text.split(":", 2)
    if len(parts) < 2:  # noqa: PLR2004 - a symbol and an attribute
        message = f"expected SYMBOL:ATTRIBUTE or SYMBOL:ATTRIBUTE:PERIOD, was {text!r}"
        raise InputError(message)
    return FactKey(*parts)


def _types(names: list[str] | None) -> frozenset[EntryType]:
    from athena.memory import EntryType

    for name in names or ():
        if name not in set(EntryType):
            message = f"expected one of {', '.join(EntryType)} as --type, was {name!r}"
            raise InputError(message)
    return frozenset(map(EntryType, names or ()))


def _added_in_words(added: Added) -> str:
    if not added.is_new:
        return f"{added.id} says it already"
    if added.disputes:
        return f"{added.id} is remembered beside {added.disputes}, which is better trusted"
    return f"{added.id} is remembered" + (
        f" in the place of {added.replaces}" if added.replaces else ""
    )


def _who_may_erase(context: Context, entry_id: str) -> str:
    """Return who erases: an admin where operators are enrolled, else whoever owns the home.

    Raises:
        RefusedError: the token is not an admin's.
    """
    from athena.app._database import bring_up_to_date, opened
    from athena.app._operating import now_ns, proof_of
    from athena.app.live import admit_admin, list_operators

    now = now_ns()
    with opened(context.config.database.url, context.home) as database:
        bring_up_to_date(database, context.home, now)
        with database.read() as transaction:
            is_enrolled = bool(list_operators(transaction))
        if not is_enrolled:
            return _OWNER
        return admit_admin(database, proof_of(context), entry_id, now_ns=now).name


def _confirm(context: Context, entry_id: str) -> None:
    """Ask for the id, so that nobody confirms out of habit.

    Raises:
        RefusedError: nobody can be asked, or the answer is another one.
    """
    if context.is_json or not sys.stdin.isatty():
        message = f"expected a confirmation to erase {entry_id}, was none"
        raise RefusedError(message, hint="--yes erases it for good")
    answer = typer.prompt(f"{entry_id} will be gone for good; to erase it type its id", err=True)
    if answer != entry_id:
        refusal = f"expected {entry_id!r} as confirmation, was {answer!r}"
        raise RefusedError(refusal, hint="nothing was erased")


def _in_words(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {n:,}" for name, n in value.items()) or "none"
    if isinstance(value, int):
        return f"{value:,}"
    return str(value or "none")


def _evaluation_values(found: Evaluation) -> dict[str, Any]:
    main, *others = (_arm_values(arm) for arm in found.arms)
    return {
        **main,
        "n": found.n_questions,
        "dialogues": found.n_dialogues,
        "entries": found.n_entries,
        "embedder": found.embedder,
        "fitted_weights": {
            name: {"vector_weight": weight, "neighbour_share": share}
            for name, (weight, share) in found.weights.items()
        },
        "ablations": {
            arm.name: values for arm, values in zip(found.arms[1:], others, strict=True)
        },
    }


def _arm_values(arm: Arm) -> dict[str, Any]:
    """Group measures such as `recall@5` as `recall{5}`."""
    values: dict[str, Any] = {"interval": {}}
    for measure, mean in arm.means.items():
        name, _, depth = measure.partition("@")
        values.setdefault(name, {})[depth] = mean
        values["interval"].setdefault(name, {})[depth] = list(arm.intervals[measure])
    return values


def _evaluation_parts(found: Evaluation) -> tuple[Table, str]:
    measures = list(found.arms[0].means)
    rows = [(arm.name, *(_cell(arm, measure) for measure in measures)) for arm in found.arms]
    note = (
        f"{found.n_questions:,} questions about {found.n_entries:,} entries in "
        f"{found.n_dialogues} dialogues, embedder {found.embedder}; 95 % intervals by drawing "
        "dialogues again; fitted: weights chosen on the other dialogues"
    )
    return Table(("ranking", *(f">{measure}" for measure in measures)), rows), note


def _cell(arm: Arm, measure: str) -> str:
    low, high = arm.intervals[measure]
    mean = f"{arm.means[measure]:.3f}"
    return f"{mean} [{low:.3f}, {high:.3f}]" if math.isfinite(low) else mean
