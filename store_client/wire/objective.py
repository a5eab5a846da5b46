"""The objective: arithmetic over metric names, read as a tree and computed by hand, so that nothing else can run."""

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

MAX_LENGTH = 500
MAX_NODES = 200
MAX_EXPONENT = 64.0

Compute = Callable[..., float]
BINARY: Mapping[type[ast.operator], Compute] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
UNARY: Mapping[type[ast.unaryop], Compute] = {ast.UAdd: operator.pos, ast.USub: operator.neg}
FUNCTIONS: Mapping[str, Compute] = {
    "min": min, "max": max, "abs": abs, "log": math.log, "exp": math.exp, "sqrt": math.sqrt,
}  # fmt: skip


def parse(expr: str) -> ast.expr:
    """The expression's tree; ValueError when it is not arithmetic."""
    if len(expr) > MAX_LENGTH:
        raise ValueError(f"an objective has at most {MAX_LENGTH} characters")
    try:
        tree = ast.parse(expr.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f"the objective is not arithmetic: {error}") from error
    if sum(1 for _ in ast.walk(tree)) > MAX_NODES:
        raise ValueError("the objective is too long")
    _check(tree)
    return tree


def names_in(expr: str) -> frozenset[str]:
    """The metrics that an expression reads."""
    tree = parse(expr)
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return frozenset(node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in called)


def metric_of(expr: str) -> str | None:
    """The metric, when the objective is just one."""
    name = expr.strip()
    return name if name.isidentifier() else None


def value_of(expr: str, evaluation: Mapping[str, Any]) -> float | None:
    """The objective's value; None when a metric is missing or no number, or the result is not finite."""
    try:
        value = float(_compute(parse(expr), evaluation))
    except (ValueError, ArithmeticError, KeyError, TypeError):
        return None
    return value if math.isfinite(value) else None


def _check(node: ast.expr) -> None:
    match node:
        case ast.Name():
            return
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return
        case ast.BinOp(left=left, op=op, right=right) if type(op) in BINARY or isinstance(op, ast.Pow):
            _check(left)
            _check(right)
        case ast.UnaryOp(op=op, operand=operand) if type(op) in UNARY:
            _check(operand)
        case ast.Call(func=ast.Name(id=name), args=[_, *_] as args, keywords=[]) if name in FUNCTIONS:
            for arg in args:
                _check(arg)
        case _:
            raise ValueError(f"the objective may not contain {ast.unparse(node)}")


def _compute(node: ast.expr, evaluation: Mapping[str, Any]) -> float:
    match node:
        case ast.Name(id=name):
            return _number(evaluation[name])
        case ast.Constant(value=value):
            return _number(value)
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return _power(_compute(left, evaluation), _compute(right, evaluation))
        case ast.BinOp(left=left, op=op, right=right):
            return BINARY[type(op)](_compute(left, evaluation), _compute(right, evaluation))
        case ast.UnaryOp(op=op, operand=operand):
            return UNARY[type(op)](_compute(operand, evaluation))
        case ast.Call(func=ast.Name(id=name), args=args):
            return _call(name, [_compute(arg, evaluation) for arg in args])
    raise ValueError("not arithmetic")


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("not a number")
    return float(value)


def _power(base: float, exponent: float) -> float:
    if abs(exponent) > MAX_EXPONENT:
        raise ValueError("the exponent is too large")
    return math.pow(base, exponent)


def _call(name: str, arguments: list[float]) -> float:
    if name in {"min", "max"} and len(arguments) == 1:
        return arguments[0]
    return float(FUNCTIONS[name](*arguments))
