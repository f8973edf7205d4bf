"""Short Python functions, written by a grammar, as tokens: they compile, and read only names that are set before.

A line break is one token together with the indentation that follows it.
"""

import random
import re
import types
import warnings

NAMES, FUNCTIONS = (
    "abcdhkmnpqrstuvwxyz",
    ["area", "cost", "count", "mix", "price", "rank", "score", "step"],
)
OPERATORS, COMPARISONS, CALLS = "+-*/%", ["<", ">", "==", "!="], ["abs", "max", "min"]
LINES = ["\n" + "    " * depth for depth in range(4)]
TOKENS = [
    "",
    "END",
    "def",
    "return",
    "if",
    "else",
    "for",
    "in",
    "range",
    *"(),:=",
    *LINES[1:],
    *"0123456789",
]
TOKENS += [*OPERATORS, *COMPARISONS, *CALLS, *FUNCTIONS, *NAMES]  # the first one fills up


def value(rng, known, depth=0):
    """Tokens of a value, of names that are known; at depth 0 there is something to compute."""
    kind = rng.random() if depth < 3 else 0.0
    if depth and kind < 0.6:
        return [rng.choice(known) if rng.random() < 0.75 else str(rng.randrange(10))]
    first, second = (value(rng, known, depth + 1) for _ in range(2))
    if kind > 0.85:
        name = rng.choice(CALLS)
        return [name, "(", *first, ")"] if name == "abs" else [name, "(", *first, ",", *second, ")"]
    tokens = [*first, rng.choice(OPERATORS), *second]
    return ["(", *tokens, ")"] if depth else tokens


def block(rng, known, depth=1):
    """Tokens of the statements of a block. What it sets is known in it and in those inside it, but not after it."""
    known, tokens = list(known), []
    for _ in range(rng.randint(1, 3)):
        kind, name = rng.random() if depth < 3 else 0.0, rng.choice(NAMES)
        tokens.append(LINES[depth])
        if kind < 0.6:
            name = name if rng.random() < 0.5 else rng.choice(known)
            tokens += [name, "=", *value(rng, known)]
            known.append(name)
        elif kind < 0.85:
            tokens += [
                "if",
                *value(rng, known, 1),
                rng.choice(COMPARISONS),
                *value(rng, known, 3),
                ":",
            ]
            tokens += block(rng, known, depth + 1)
            if rng.random() < 0.4:
                tokens += [LINES[depth], "else", ":", *block(rng, known, depth + 1)]
        else:
            tokens += ["for", name, "in", "range", "(", *value(rng, known, 3), ")", ":"]
            tokens += block(rng, [*known, name], depth + 1)
    if depth == 1 or rng.random() < 0.3:
        tokens += [LINES[depth], "return", *value(rng, known, 1)]
    return tokens


def functions(count, longest, seed):
    """The tokens of `count` different functions: tuples of at most `longest` strings, the last of them "END"."""
    rng, found = random.Random(seed), {}
    while len(found) < count:
        names = rng.sample(NAMES, rng.randint(1, 3))
        head = ["def", rng.choice(FUNCTIONS), "(", *", ".join(names).replace(" ", ""), ")", ":"]
        tokens = (*head, *block(rng, names), "END")
        if len(tokens) <= longest:
            found[tokens] = None
    return list(found)


def as_code(tokens):
    """Tokens, without END, as Python."""
    code = re.sub(r" ?(\n(?:    )*) ?", r"\1", " ".join(tokens))
    called = "|".join(["range", *CALLS, *FUNCTIONS])
    return re.sub(rf"\b({called}) \(", r"\1(", re.sub(r" ([),:])", r"\1", code.replace("( ", "(")))


def problem(code):
    """What Python says against the code of a function, or which name it reads that is never set; None if nothing."""
    try:
        with warnings.catch_warnings(action="error"):  # such as to call a number
            module = compile(code, "function", "exec")
    except SyntaxError as error:
        return error.msg
    inside = [constant for constant in module.co_consts if isinstance(constant, types.CodeType)]
    unknown = {name for function in inside for name in function.co_names} - {"range", *CALLS}
    return f"{min(unknown)} is never set" if unknown else None
