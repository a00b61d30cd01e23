"""Mutants of a solution: each is the solution with one mistake, as people make them."""

import ast
import copy
from collections.abc import Iterator

_CALLS = {  # a function or method, and what is easily taken for it
    "sum": "mean", "mean": "sum", "median": "mean", "max": "min", "min": "max", "tril": "triu",
    "triu": "tril", "zeros": "ones", "zeros_": "ones_", "ones": "zeros", "all": "any", "any": "all",
    "argmax": "argmin", "cumsum": "cumprod", "cumprod": "cumsum", "relu": "tanh", "gelu": "relu",
    "square": "abs", "norm": "sum", "append": "extend", "cat": "stack", "stack": "cat",
    "randn": "rand", "randn_like": "zeros_like", "sqrt": "square", "eval": "train",
}  # fmt: skip
_DROPPED = {  # calls that are easily forgotten: f(x) becomes x, x.f() becomes x
    "sqrt", "square", "abs", "clone", "deepcopy", "reversed", "softmax", "norm", "relu", "log",
    "exp", "list", "flip", "masked_fill", "tanh", "mean", "sum", "median",
}  # fmt: skip
_BINARY = {
    ast.Add: (ast.Sub, ast.Mult), ast.Sub: (ast.Add,), ast.Mult: (ast.Div, ast.Add),
    ast.Div: (ast.Mult,), ast.FloorDiv: (ast.Div,), ast.BitAnd: (ast.BitOr,),
}  # fmt: skip
_COMPARE = {
    ast.Lt: (ast.LtE, ast.Gt), ast.Gt: (ast.GtE, ast.Lt), ast.LtE: (ast.Lt,), ast.GtE: (ast.Gt,),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.In: (ast.NotIn,), ast.NotIn: (ast.In,),
}  # fmt: skip


def mutants(code: str) -> Iterator[tuple[str, str]]:
    """Yield (what was done, the code with it), each once.

    Args:
        code: a solution; its last function is the answer, or an assignment is.
    """
    tree, seen = ast.parse(code), {ast.unparse(ast.parse(code))}
    for place, node in enumerate(ast.walk(tree)):
        for name, change in _changes(node):
            other = copy.deepcopy(tree)
            twin = next(n for k, n in enumerate(ast.walk(other)) if k == place)
            try:
                done = change(other, twin)
                text = ast.unparse(ast.fix_missing_locations(done))
                compile(text, "mutant", "exec")
            except (SyntaxError, ValueError, IndexError, AttributeError, TypeError):
                continue
            if text not in seen:
                seen.add(text)
                yield name, text


def _changes(node: ast.AST) -> Iterator[tuple]:
    """Yield (name, change) for a node; a change maps (tree, the node in it) to a tree."""
    kinds = {
        ast.Constant: _constants, ast.BinOp: _operations, ast.Compare: _comparisons,
        ast.Call: _calls, ast.Slice: _slices, ast.UnaryOp: _signs, ast.Attribute: _attributes,
        ast.FunctionDef: _functions, ast.For: _loops, ast.If: _branches, ast.IfExp: _branches,
        ast.Tuple: _tuples, ast.BoolOp: _both, ast.AugAssign: _assignments, ast.Dict: _dicts,
    }  # fmt: skip
    yield from kinds.get(type(node), lambda _: ())(node)


def _put(new: ast.AST):
    """Return a change that puts `new(node)` where the node is."""

    def change(tree, node):
        class Replace(ast.NodeTransformer):
            def visit(self, found):
                return new(found) if found is node else self.generic_visit(found)

        return Replace().visit(tree)

    return change


def _set(**fields):
    """Return a change that sets fields of the node."""

    def change(tree, node):
        for name, value in fields.items():
            setattr(node, name, value(node) if callable(value) else value)
        return tree

    return change


def _constants(node):
    value = node.value
    if isinstance(value, bool):
        yield f"{value} turned", _set(value=not value)
    elif isinstance(value, int):
        for other in {value + 1, value - 1, -value} - {value}:
            yield f"{value} shifted to {other}", _set(value=other)
    elif isinstance(value, float):
        yield f"{value} doubled", _set(value=2 * value or 1.0)
    elif isinstance(value, str) and value.isidentifier():
        yield f"{value!r} renamed", _set(value="none" if value != "none" else "pre")


def _operations(node):
    for other in _BINARY.get(type(node.op), ()):
        yield f"{type(node.op).__name__} to {other.__name__}", _set(op=other())
    if not isinstance(node.op, ast.Mod):
        yield "right operand dropped", _put(lambda n: n.left)
        yield "left operand dropped", _put(lambda n: n.right)
        yield "operands swapped", _set(left=lambda n: n.right, right=node.left)


def _comparisons(node):
    for other in _COMPARE.get(type(node.ops[0]), ()):
        yield f"{type(node.ops[0]).__name__} to {other.__name__}", _set(ops=[other()])


def _name_of(call):
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def _calls(node):
    name = _name_of(node)
    if name in _CALLS:
        part = "attr" if isinstance(node.func, ast.Attribute) else "id"
        yield f"{name} to {_CALLS[name]}", lambda t, n: (setattr(n.func, part, _CALLS[name]), t)[1]
    if name in _DROPPED:
        on = isinstance(node.func, ast.Attribute) and getattr(node.func.value, "id", "") not in (
            "torch", "nn", "copy", "math")  # fmt: skip
        yield f"{name} dropped", _put(lambda n: n.func.value if on else n.args[0])
    if len(node.args) >= 2:
        yield "arguments swapped", _set(args=lambda n: [n.args[1], n.args[0], *n.args[2:]])
    for k, keyword in enumerate(node.keywords):
        yield (
            f"{keyword.arg}= dropped",
            _set(keywords=lambda n, k=k: [w for j, w in enumerate(n.keywords) if j != k]),
        )


def _slices(node):
    for part in ("lower", "upper"):
        if getattr(node, part) is not None:
            yield f"slice without its {part} end", _set(**{part: None})
    if node.lower is None and node.upper is not None:
        yield "slice turned", _set(lower=lambda n: n.upper, upper=None)
    if node.lower is not None and node.upper is None:
        yield "slice turned", _set(upper=lambda n: n.lower, lower=None)


def _signs(node):
    yield f"{type(node.op).__name__} dropped", _put(lambda n: n.operand)


def _attributes(node):
    if node.attr in ("T", "mT"):
        yield "transpose dropped", _put(lambda n: n.value)
    for one, other in (("weight", "bias"), ("stem", "head"), ("left", "right")):
        if node.attr == one:
            yield f"{one} to {other}", _set(attr=other)
        if node.attr == other:
            yield f"{other} to {one}", _set(attr=one)


def _functions(node):
    names = [a.arg for a in node.args.args]
    for name in names:
        first = ast.parse(f"return {name}").body
        yield f"returns {name} early", _set(body=lambda n, first=first: first + n.body)
        yield (
            f"{name} scaled in place",
            _set(body=lambda n, name=name: [*ast.parse(_SPOILS.format(name=name)).body, *n.body]),
        )
    for k in range(len(node.body) - 1):
        yield (
            f"statement {k + 1} left out",
            _set(body=lambda n, k=k: [s for j, s in enumerate(n.body) if j != k]),
        )


# Changes the caller's data by as little as a part in two: a tensor, a list of tensors, a module.
_SPOILS = """
for spoiled in ({name}.parameters() if hasattr({name}, "parameters") else
                {name} if isinstance({name}, list) else [{name}]):
    if hasattr(spoiled, "mul_") and spoiled.is_floating_point():
        spoiled.data.mul_(1.5)
"""


def _loops(node):
    yield "loop ends after one round", _set(body=lambda n: [*n.body, ast.Break()])
    for k in range(len(node.body)):
        if len(node.body) > 1:
            yield (
                f"statement {k + 1} of the loop left out",
                _set(body=lambda n, k=k: [s for j, s in enumerate(n.body) if j != k]),
            )


def _branches(node):
    not_ = ast.UnaryOp(ast.Not(), node.test)
    yield "condition turned", _set(test=not_)
    yield "condition always true", _set(test=ast.Constant(True))
    yield "condition never true", _set(test=ast.Constant(False))


def _tuples(node):
    if len(node.elts) >= 2 and isinstance(node.ctx, ast.Load):
        yield "parts exchanged", _set(elts=lambda n: [n.elts[1], n.elts[0], *n.elts[2:]])
        yield "a part left out", _set(elts=lambda n: n.elts[:-1])


def _both(node):
    yield "and for or", _set(op=ast.Or() if isinstance(node.op, ast.And) else ast.And())


def _assignments(node):
    for other in _BINARY.get(type(node.op), ()):
        yield f"{type(node.op).__name__}= to {other.__name__}=", _set(op=other())
    yield "replaced, not updated", _put(lambda n: ast.Assign([n.target], n.value))


def _dicts(node):
    for k in range(len(node.values)):
        moved = [*node.values]
        moved[k] = node.values[(k + 1) % len(moved)]
        yield f"entry {k + 1} as the next", _set(values=moved)
