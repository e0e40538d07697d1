"""Mutations of Python code: one small change of an expression or statement each.

Comparisons, boundaries, arithmetic, constants, conditions, `not`, `and`/`or`, statements and return
values are changed. What cannot change behaviour, or is prose, is left out: docstrings, annotations,
decorators, assertions, imports, f-strings, and the messages of errors, warnings and logs.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.GtE, ast.LtE),
    ast.LtE: (ast.Gt, ast.Lt),
    ast.Gt: (ast.LtE, ast.GtE),
    ast.GtE: (ast.Lt, ast.Gt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}  # first the opposite, then the boundary
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
PROSE = {"warn", "print", "debug", "info", "warning", "error"}  # calls whose arguments are messages
TYPE_FIELDS = {"annotation", "returns", "decorator_list", "type_params", "bases"}
CONDITIONAL = (ast.If, ast.While, ast.IfExp)
UNTOUCHED = (ast.JoinedStr, ast.Assert, ast.Import, ast.ImportFrom)


@dataclass(frozen=True)
class CodeMutant:
    """One change of a file.

    Attributes:
        file: path from the root of the repository.
        kind: of the mutation.
        first: line where the changed piece begins, counted from 1.
        last: line where it ends.
        start: byte where it begins.
        end: byte after it.
        before: the piece, its spaces and line breaks joined.
        after: what stands in its place.
        at_import: whether the piece runs when the file is imported, not in a function.
    """

    file: str
    kind: str
    first: int
    last: int
    start: int
    end: int
    before: str
    after: str
    at_import: bool

    def __str__(self) -> str:
        return f"{self.file}:{self.first} {self.kind}: {self.before} -> {self.after}"

    def applied(self, code: bytes) -> bytes:
        """The code with the change."""
        return code[: self.start] + self.after.encode() + code[self.end :]


def code_mutants(file: str, code: bytes) -> list[CodeMutant]:
    """All mutants of a file that can be compiled, in the order of the code."""
    lines = code.splitlines(keepends=True)
    begins = [0]
    for line in lines:
        begins.append(begins[-1] + len(line))
    mutants = []
    for node, kind, after, at_import in _changes(ast.parse(code), at_import=True):
        start = begins[node.lineno - 1] + node.col_offset
        end = begins[node.end_lineno - 1] + node.end_col_offset
        before = " ".join(code[start:end].decode().split())
        place = (node.lineno, node.end_lineno, start, end)
        mutant = CodeMutant(file, kind, *place, before, after, at_import)
        if _compiles(mutant.applied(code), file):
            mutants.append(mutant)
    return mutants


def mutants_of_folder(root: Path, folder: str) -> list[CodeMutant]:
    """All mutants of the files below a folder, in the order of their paths."""
    paths = sorted((root / folder).rglob("*.py"))
    files = [(path.relative_to(root).as_posix(), path.read_bytes()) for path in paths]
    return [mutant for file, code in files for mutant in code_mutants(file, code)]


# ---- where a change is made ----------------------------------------------------------------------


def _changes(node: ast.AST, *, at_import: bool) -> Iterator[tuple[Any, str, str, bool]]:
    """Node, kind and new text of each change within a node, and whether it runs at import."""
    if isinstance(node, UNTOUCHED) or _is_for_types(node):
        return
    for target, kind, after in _changes_here(node):
        yield target, kind, after, at_import
    if isinstance(node, ast.Raise) or (isinstance(node, ast.Call) and _called(node) in PROSE):
        return
    for field, value in ast.iter_fields(node):
        if field in TYPE_FIELDS:
            continue
        in_function = isinstance(node, (ast.FunctionDef, ast.Lambda)) and field == "body"
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _changes(child, at_import=at_import and not in_function)


def _changes_here(node: ast.AST) -> Iterator[tuple[ast.AST, str, str]]:
    """The changes of a node itself."""
    yield from _changed_operators(node)
    if isinstance(node, ast.Constant) and isinstance(node.value, (bool, int, float)):
        yield from ((node, "constant", after) for after in _other_constants(node.value))
    if isinstance(node, CONDITIONAL):
        yield node.test, "condition", f"(not ({ast.unparse(node.test)}))"
    if isinstance(node, ast.comprehension):
        yield from ((test, "condition", f"(not ({ast.unparse(test)}))") for test in node.ifs)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node, "not", f"({ast.unparse(node.operand)})"
    if isinstance(node, ast.Return) and node.value is not None and not _is_none(node.value):
        yield node, "return", "return None"
    if _is_removable(node):
        yield node, "statement", "pass"


def _changed_operators(node: ast.AST) -> Iterator[tuple[ast.AST, str, str]]:
    """The changes of a comparison, an `and`/`or`, or arithmetic."""
    if isinstance(node, ast.Compare):
        for i, operator in enumerate(node.ops):
            for kind, other in zip(("comparison", "boundary"), COMPARISONS[type(operator)]):  # noqa: B905
                changed = copy.deepcopy(node)
                changed.ops[i] = other()
                yield node, kind, f"({ast.unparse(changed)})"
    if isinstance(node, ast.BoolOp):
        operator = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield node, "and/or", f"({ast.unparse(ast.BoolOp(operator, node.values))})"
    if isinstance(node, (ast.BinOp, ast.AugAssign)) and type(node.op) in ARITHMETIC:
        if isinstance(node, ast.BinOp) and (_is_text(node.left) or _is_text(node.right)):
            return
        changed_op = copy.deepcopy(node)
        changed_op.op = ARITHMETIC[type(node.op)]()
        text = ast.unparse(changed_op)
        yield node, "arithmetic", f"({text})" if isinstance(node, ast.BinOp) else text


def _other_constants(value: float) -> list[str]:
    return [repr(not value)] if isinstance(value, bool) else [repr(value + 1), f"({value - 1!r})"]


def _is_removable(node: ast.AST) -> bool:
    """Whether a statement can go without leaving a name that nothing has set."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Call) and _called(node.value) not in PROSE - {"warn"}
    if isinstance(node, ast.Assign):
        return all(isinstance(target, (ast.Attribute, ast.Subscript)) for target in node.targets)
    return isinstance(node, (ast.AugAssign, ast.Raise, ast.Break, ast.Continue, ast.Delete))


def _is_for_types(node: ast.AST) -> bool:
    """Whether a piece is there for the type checker alone."""
    if isinstance(node, ast.If):
        return isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    if isinstance(node, ast.Subscript):
        return isinstance(node.value, ast.Name) and node.value.id in ("Literal", "Annotated")
    return isinstance(node, ast.BinOp) and (_is_none(node.left) or _is_none(node.right))


def _is_none(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def _called(call: ast.Call) -> str:
    """The last name of what a call calls."""
    function = call.func
    return getattr(function, "attr", getattr(function, "id", ""))


def _compiles(code: bytes, file: str) -> bool:
    try:
        compile(code, file, "exec", dont_inherit=True)
    except SyntaxError:
        return False
    return True
