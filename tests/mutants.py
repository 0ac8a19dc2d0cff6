"""Mutants: every small change of a module's source that its tests should notice.

A mutant is one changed operator, constant, condition, `min`/`max` or dropped statement within a
function, or one changed entry of a table of the module. It is put into force in this process:
functions get the changed code in place, so that every module that imported them runs it too.
"""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass
from importlib import import_module
from itertools import takewhile
from pathlib import Path
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

_OTHERS: dict[type[ast.AST], tuple[type[ast.AST], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.FloorDiv,),
    ast.FloorDiv: (ast.Mult,),
    ast.Mod: (ast.FloorDiv,),
    ast.BitAnd: (ast.BitOr,),
    ast.BitOr: (ast.BitAnd,),
    ast.RShift: (ast.LShift,),
    ast.LShift: (ast.RShift,),
    ast.And: (ast.Or,),
    ast.Or: (ast.And,),
}
_CONTEXT = 40  # letters
_SWAPPED = {"min": "max", "max": "min", "any": "all", "all": "any"}
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True, slots=True)
class Mutant:
    """Name one change of a module.

    Attributes:
        module: dotted name.
        place: qualified name of the function, or of the table.
        lines: of the source, from 1: the first and the last of the statement, or of its head.
        change: `before => after`, as source, shortened; `#2` is the second that reads the same.
        is_in_function: False for an entry of a table, which is built when the module is loaded.
    """

    module: str
    place: str
    lines: tuple[int, int]
    change: str
    is_in_function: bool = True

    @property
    def name(self) -> str:
        """Return what stays the same when lines move."""
        return f"{self.module}:{self.place}: {self.change}"


@dataclass(frozen=True, slots=True)
class _Edit:
    """Change one field of a node, and undo it."""

    node: ast.AST
    field: str
    index: int | None
    new: Any

    def swap(self, value: Any) -> Any:
        """Put a value in, return the one that was there."""
        if self.index is None:
            old = getattr(self.node, self.field)
            setattr(self.node, self.field, value)
            return old
        values = getattr(self.node, self.field)
        old, values[self.index] = values[self.index], value
        return old


@dataclass(frozen=True, slots=True)
class Change:
    """Make a mutant's source when it is asked for: to unparse all of them takes minutes."""

    tree: ast.Module
    edit: _Edit

    def apply(self) -> ast.Module:
        """Return the changed tree of the module, a copy."""
        old = self.edit.swap(self.edit.new)
        changed = ast.parse(ast.unparse(self.tree))
        self.edit.swap(old)
        return changed


def list_mutants(module: str) -> list[tuple[Mutant, Change]]:
    """List the mutants of an importable module, in the order of its source."""
    tree = ast.parse(Path(import_module(module).__file__ or "").read_text())
    found: list[tuple[Mutant, Change]] = []
    seen: dict[str, int] = {}
    for place, statement, edit in _edits(tree):
        before = _shown(statement)
        old = edit.swap(edit.new)
        after = "pass" if isinstance(edit.new, ast.Pass) else _shown(statement)
        edit.swap(old)
        change = _difference(before, after)
        again = seen[f"{place}: {change}"] = seen.get(f"{place}: {change}", 0) + 1
        if again > 1:
            change += f" #{again}"
        is_table = isinstance(statement, (ast.Assign, ast.AnnAssign)) and statement in tree.body
        mutant = Mutant(module, place, _lines(statement), change, not is_table)
        found.append((mutant, Change(tree, edit)))
    return found


def _difference(before: str, after: str) -> str:
    """Return `before => after` with little of what both have in common."""
    if after == "pass":
        return f"{before} => pass"
    head = _n_shared(before, after)
    tail = _n_shared(before[head:][::-1], after[head:][::-1])
    parts = (
        ("... " if head > _CONTEXT else "")
        + text[max(0, head - _CONTEXT) : len(text) - max(0, tail - _CONTEXT)]
        + (" ..." if tail > _CONTEXT else "")
        for text in (before, after)
    )
    return " => ".join(parts)


def _n_shared(one: str, other: str) -> int:
    """Return how many letters two texts begin with alike."""
    pairs = zip(one, other, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _lines(statement: ast.stmt) -> tuple[int, int]:
    last = statement.end_lineno or statement.lineno
    body = getattr(statement, "body", None)
    return statement.lineno, max(statement.lineno, body[0].lineno - 1) if body else last


def _shown(statement: ast.AST) -> str:
    """Return a statement as source; of one with a body only the head."""
    text = ast.unparse(statement)
    return text.splitlines()[0] if hasattr(statement, "body") else " ".join(text.split())


def _edits(tree: ast.Module) -> Iterator[tuple[str, ast.stmt, _Edit]]:
    for node in tree.body:
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and isinstance(node.value, ast.Dict):
            target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
            for table in ast.walk(node.value):
                if isinstance(table, ast.Dict):
                    for edit in _of_table(table):
                        yield ast.unparse(target), node, edit
        yield from _of_scope(node, "")


def _of_scope(node: ast.AST, outer: str) -> Iterator[tuple[str, ast.stmt, _Edit]]:
    if isinstance(node, ast.ClassDef):
        for inner in node.body:
            yield from _of_scope(inner, f"{outer}{node.name}.")
    if isinstance(node, _FUNCTIONS):
        bound = {item.arg for item in ast.walk(node.args) if isinstance(item, ast.arg)}
        for statement, edit in _of_body(node, bound):
            yield outer + node.name, statement, edit


def _of_body(node: ast.AST, bound: set[str]) -> Iterator[tuple[ast.stmt, _Edit]]:
    """Yield the edits of a body's statements; `bound` grows by the names they bind."""
    for field in ("body", "orelse", "finalbody"):
        for index, statement in enumerate(getattr(node, field, [])):
            if _can_drop(statement, bound):
                yield statement, _Edit(node, field, index, ast.Pass())
            for edit in _of_expressions(statement):
                yield statement, edit
            bound |= {
                item.id
                for item in ast.walk(statement)
                if isinstance(item, ast.Name) and isinstance(item.ctx, ast.Store)
            }
            yield from _of_body(statement, bound)


def _can_drop(statement: ast.stmt, bound: set[str]) -> bool:
    """Tell whether a body without a statement can still run: a name that is unbound cannot."""
    match statement:
        case ast.Expr(value=ast.Call() | ast.Yield() | ast.Await()):
            return True
        case ast.AugAssign() | ast.Raise() | ast.Return() | ast.Continue() | ast.Break():
            return True
        case ast.Assign(targets=targets):
            names = {
                item.id
                for target in targets
                for item in ast.walk(target)
                if isinstance(item, ast.Name) and isinstance(item.ctx, ast.Store)
            }
            return names <= bound
        case _:
            return False


def _of_expressions(statement: ast.stmt) -> Iterator[_Edit]:
    """Yield the edits of a statement's own expressions, not of those in its body."""
    if isinstance(statement, ast.AugAssign) and type(statement.op) in _OTHERS:
        for other in _OTHERS[type(statement.op)]:
            yield _Edit(statement, "op", None, other())
    if isinstance(statement, (ast.If, ast.While)):
        yield from _of_condition(statement)
    for name, value in ast.iter_fields(statement):
        if name in {"body", "orelse", "finalbody", "annotation", "handlers"}:
            continue
        for index, item in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(item, ast.expr):
                place = index if isinstance(value, list) else None
                yield from _of_expression(item, _Edit(statement, name, place, item))


def _of_condition(node: ast.If | ast.While | ast.IfExp | ast.comprehension) -> Iterator[_Edit]:
    """Negate a condition; those of one comparison are negated by its operator."""
    if isinstance(node, ast.comprehension):
        for index, test in enumerate(node.ifs):
            if not isinstance(test, ast.Compare):
                yield _Edit(node, "ifs", index, ast.UnaryOp(ast.Not(), test))
    elif not isinstance(node.test, ast.Compare):
        yield _Edit(node, "test", None, ast.UnaryOp(ast.Not(), node.test))


def _of_expression(node: ast.AST, place: _Edit) -> Iterator[_Edit]:
    """Yield the edits of an expression that stands in `place`, and of those within it."""
    if isinstance(node, ast.JoinedStr):
        return  # words for a person
    yield from _of_operator(node)
    yield from _of_number(node)
    match node:
        case ast.UnaryOp(op=ast.USub() | ast.Not(), operand=operand):
            yield _Edit(place.node, place.field, place.index, operand)
        case ast.Call(func=ast.Name(id=name) as function) if name in _SWAPPED:
            yield _Edit(function, "id", None, _SWAPPED[name])
        case ast.IfExp() | ast.comprehension():
            yield from _of_condition(node)
    for field, value in ast.iter_fields(node):
        for index, item in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(item, (ast.expr, ast.comprehension, ast.keyword)):
                inner = index if isinstance(value, list) else None
                yield from _of_expression(item, _Edit(node, field, inner, item))


def _of_operator(node: ast.AST) -> Iterator[_Edit]:
    if isinstance(node, ast.Compare):
        for index, op in enumerate(node.ops):
            for other in _OTHERS[type(op)]:
                yield _Edit(node, "ops", index, other())
    if isinstance(node, (ast.BoolOp, ast.BinOp)):
        for other in _OTHERS.get(type(node.op), ()):
            yield _Edit(node, "op", None, other())


def _of_number(node: ast.AST) -> Iterator[_Edit]:
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield _Edit(node, "value", None, not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        for step in (1, -1):
            yield _Edit(node, "value", None, node.value + step)


def _of_table(table: ast.Dict) -> Iterator[_Edit]:
    """Drop each entry of a table, and give each the value of the one before it."""
    for index, value in enumerate(table.values):
        for field in ("keys", "values"):
            if field == "keys":
                yield _DropEntry(table, field, index, None)
        before = table.values[index - 1]
        if None in {table.keys[index], table.keys[index - 1]} or isinstance(value, ast.Dict):
            continue  # `**more` has no value of its own
        if ast.dump(before) != ast.dump(value):
            yield _Edit(table, "values", index, before)


@dataclass(frozen=True, slots=True)
class _DropEntry(_Edit):
    """Take an entry out of a table, and put it back."""

    def swap(self, value: Any) -> Any:
        """Take it out when `value` is None, else put it back."""
        table, index = self.node, self.index
        assert isinstance(table, ast.Dict)
        assert index is not None
        if value is None:
            return table.keys.pop(index), table.values.pop(index)
        key, entry = value
        table.keys.insert(index, key)
        table.values.insert(index, entry)
        return None


def put_in_force(mutant: Mutant, change: Change) -> None:
    """Change the loaded module; only a process that is thrown away may do this.

    Raises:
        LookupError: the module has no function or table of that name.
    """
    module = sys.modules[mutant.module]
    tree = change.apply()
    code = compile(tree, module.__file__ or mutant.module, "exec")
    inner = _code_of(code, mutant.place)
    if inner is not None and mutant.is_in_function:
        _function(module, mutant.place).__code__ = inner
        return
    tables = {name: value for name, value in vars(module).items() if isinstance(value, dict)}
    tables = {name: value for name, value in tables.items() if not name.startswith("__")}
    body: list[ast.stmt] = [
        node for node in tree.body if isinstance(node, (ast.Assign, ast.AnnAssign))
    ]
    exec(  # noqa: S102 - the module's own tables, once more with the change
        compile(ast.Module(body, []), mutant.module, "exec"), vars(module)
    )
    if mutant.place not in tables:
        message = f"expected a function or table {mutant.place} in {mutant.module}, was none"
        raise LookupError(message)
    for name, table in tables.items():
        changed = getattr(module, name)
        if changed is not table:
            changed = dict(changed)
            table.clear()
            table.update(changed)
            setattr(module, name, table)


def _code_of(code: CodeType, place: str) -> CodeType | None:
    """Find the code of a function within that of its module."""
    name, _, rest = place.partition(".")
    for item in code.co_consts:
        if isinstance(item, CodeType) and item.co_name == name:
            return _code_of(item, rest) if rest else item
    return None


def _function(module: ModuleType, place: str) -> FunctionType:
    found: Any = module
    for name in place.split("."):
        found = vars(found)[name]
    found = getattr(found, "fget", None) or getattr(found, "__func__", None) or found
    assert isinstance(found, FunctionType)
    return found
