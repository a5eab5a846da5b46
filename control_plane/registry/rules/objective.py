"""Which metrics an objective names; what it is worth is the task store's business."""

import ast
from collections.abc import Iterator, Mapping

FUNCTIONS = frozenset({"abs", "exp", "log", "max", "min", "sqrt"})
MAX_LENGTH = 500
MAX_NODES = 200
ARITHMETIC = (
    ast.BinOp, ast.UnaryOp, ast.Name, ast.Load, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow, ast.UAdd, ast.USub,
)  # fmt: skip


def metrics(expr: str) -> set[str]:
    """The names that an expression uses as variables; ValueError when it is not arithmetic."""
    called: list[ast.expr] = []
    named = set()
    for node in _nodes(expr):
        if isinstance(node, ast.Call):
            called.append(node.func)
            _check_call(node)
        elif isinstance(node, ast.Name) and node not in called:
            named.add(node.id)
        elif not _is_arithmetic(node):
            raise ValueError(f"objective.expr is arithmetic over metrics; {ast.unparse(node) or expr[:80]!r} is not")
    return named


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


def _nodes(expr: str) -> Iterator[ast.AST]:
    """The nodes of the expression, every call before the name it calls."""
    if len(expr) > MAX_LENGTH:
        raise ValueError(f"objective.expr has at most {MAX_LENGTH} characters")
    try:
        tree = ast.parse(expr.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f"objective.expr is no arithmetic: {expr[:80]!r}") from error
    if sum(1 for _ in ast.walk(tree)) > MAX_NODES:
        raise ValueError("objective.expr is too long")
    yield from ast.walk(tree)


def _check_call(node: ast.Call) -> None:
    name = ast.unparse(node.func)
    if name not in FUNCTIONS:
        raise ValueError(f"objective.expr calls {name}; it may call {', '.join(sorted(FUNCTIONS))}")
    if node.keywords or not node.args:
        raise ValueError(f"objective.expr calls {name} with something other than plain values")


def _is_arithmetic(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, int | float) and not isinstance(node.value, bool)
    return isinstance(node, ARITHMETIC)
