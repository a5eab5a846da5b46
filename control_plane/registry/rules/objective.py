"""Which metrics an objective names; what it is worth is the task store's business."""

import ast
from collections.abc import Mapping

FUNCTIONS = frozenset({"abs", "min", "max", "round", "sqrt", "exp", "log", "log2", "log10"})
MAX_LENGTH = 1000


def metrics(expr: str) -> set[str]:
    """The names that an expression uses as variables; ValueError when it is no expression."""
    if len(expr) > MAX_LENGTH:
        raise ValueError(f"objective.expr has at most {MAX_LENGTH} characters")
    try:
        tree = ast.parse(expr.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f"objective.expr is no arithmetic expression: {expr[:80]!r}") from error
    called = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    unknown = sorted(ast.unparse(func) for func in called if not _is_function(func))
    if unknown:
        raise ValueError(f"objective.expr calls {', '.join(unknown)}; it may call {', '.join(sorted(FUNCTIONS))}")
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and node not in called}


def check(expr: str, schema: Mapping[str, str]) -> None:
    """ValueError unless every name of the expression is a numeric metric of the schema."""
    named = metrics(expr)
    unknown = sorted(named - schema.keys())
    if unknown:
        raise ValueError(f"objective.expr names {', '.join(unknown)}; the evaluation_schema has {', '.join(schema)}")
    texts = sorted(name for name in named if schema[name] == "text")
    if texts:
        raise ValueError(f"objective.expr names {', '.join(texts)}, which the evaluation_schema declares as text")


def single_metric(expr: str) -> str | None:
    """The metric, when the objective is just one."""
    return expr.strip() if expr.strip().isidentifier() else None


def _is_function(func: ast.expr) -> bool:
    return isinstance(func, ast.Name) and func.id in FUNCTIONS
