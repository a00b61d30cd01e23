"""Exercises of notebook 09: what each wrong answer is told."""

from exercises.exercise import Case, all_tests

_MASK = """
def causal_weights(scores):
    T = scores.shape[-1]
    allowed = torch.ones(T, T, dtype=torch.bool).tril({diagonal})
    return {result}
"""


def mask(result="scores.masked_fill(~allowed, -math.inf).softmax(-1)", diagonal=""):
    return _MASK.format(result=result, diagonal=diagonal)


_EXP = """
def causal_weights(scores):
    future = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)
    exp = scores.masked_fill(future, -math.inf).exp()
    return exp / exp.sum(-1, keepdim=True)
"""

MASK = Case(
    "9.1",
    other_style="""
def causal_weights(scores):
    T = scores.shape[-1]
    bias = torch.full((T, T), float("-inf")).triu(1).to(scores)
    exp = (scores + bias - (scores + bias).amax(-1, keepdim=True)).exp()
    return exp / exp.sum(-1, keepdim=True)
""",
    wrong={
        mask("scores.softmax(-1) * allowed"): "You masked after the softmax",
        mask("scores.masked_fill(~allowed, 0).softmax(-1)"): "the future still gets weight",
        mask(diagonal="1"): "Your diagonal is shifted",
        mask(diagonal="-1"): "Some weights are nan",
        mask("scores.softmax(-1)"): "There is no mask",
        mask("scores.masked_fill(~allowed.T, -math.inf).softmax(-1)"): "the future only",
        mask("scores.masked_fill(~allowed.T, -math.inf).softmax(-2)"): "the wrong axis",
        mask("scores.masked_fill(~allowed, -math.inf).softmax(-2)"): "over the queries",
        mask("scores.masked_fill(~allowed, -math.inf).exp()"): "divide each row by its sum",
        mask("scores.masked_fill(~allowed, -1e6).softmax(-1)"): "is no -inf",
        mask("scores.masked_fill(~allowed, -math.inf).softmax(1)"): "dim=-1",
        mask("scores.masked_fill_(~allowed, -math.inf).softmax(-1)"): "changed the given scores",
        mask("scores.masked_fill(~allowed, -1).softmax(-1)"): "looks at the positions 0 to",
        mask("scores.masked_fill(~allowed, -math.inf)"): "no weights yet",
        mask(
            "nn.functional.normalize(scores.softmax(-1) * allowed, p=1, dim=-1)"
        ): "before any exp",
        mask("nn.functional.normalize(scores.exp() * allowed, p=1, dim=-1)"): "before any exp",
        _EXP: "subtract the row's largest score first",
        mask("scores[allowed]"): "expected shape (4, 4)",
        mask("torch.where(allowed, scores * 0 / 0, scores)"): "Some weights are nan",
    },
)

_COUNT = """
def parameters(dim, depth, vocab_size=50257, context=1024):
    return {tables} + {blocks} + {rest}
"""


def counted(
    tables="(vocab_size + context) * dim", blocks="depth * (12 * dim**2 + 13 * dim)", rest="2 * dim"
):
    return _COUNT.format(tables=tables, blocks=blocks, rest=rest)


COUNT = Case(
    "9.3",
    other_style="""
def parameters(dim, depth, vocab_size=50257, context=1024):
    with torch.device("meta"):
        model = GPT(GPTConfig(vocab_size, context, dim, 1, depth))
    return torch.tensor(sum(p.numel() for p in model.parameters()))
""",
    wrong={
        counted(rest="0"): "The final norm is missing",
        counted(tables="(2 * vocab_size + context) * dim"): "twice; the weights are tied",
        counted(tables="(2 * vocab_size + context) * dim + vocab_size"): "its own matrix and bias",
        counted(tables="vocab_size * dim"): "The table of positions is missing",
        counted(tables="context * dim"): "The table of tokens is missing",
        counted(tables="0"): "Both tables are missing",
        counted(blocks="depth * (12 * dim**2 + 4 * dim)"): "4d in the attention",
        counted(blocks="depth * (12 * dim**2 + 10 * dim)"): "as in the lecture",
        counted(blocks="depth * (12 * dim**2 + 9 * dim)"): "two norms of 2d parameters",
        counted(blocks="depth * (12 * dim**2 + 11 * dim)"): "you counted one.",
        counted(blocks="depth * (12 * dim**2 + 11 * dim)", rest="dim"): "A norm has two vectors",
        counted(blocks="12 * dim**2 + 13 * dim"): "one block only",
        counted("vocab_size * dim", "12 * depth * dim**2", "0"): "rule of thumb",
        counted(tables="(50257 + 1024) * dim"): "Do you use the arguments?",
        counted(blocks="depth * (8 * dim**2 + 13 * dim)"): "compare yours with the list",
    },
)

_GREEDY = """
def greedy(model, tokens, steps):
    start = tokens
    for _ in range({steps}):
        logits = model({read}){row}
        chosen = {chosen}
        tokens = torch.cat([tokens, chosen], dim=1)
    return {result}
"""


def generated(
    read="tokens[:, -model.config.context:]",
    row="[:, -1]",
    chosen="logits.argmax(-1, keepdim=True)",
    result="tokens",
    steps="steps",
):
    return _GREEDY.format(read=read, row=row, chosen=chosen, result=result, steps=steps)


GREEDY = Case(
    "9.4",
    other_style="""
def greedy(model, tokens, steps):
    sequences = tokens.tolist()
    for _ in range(steps):
        for sequence in sequences:
            read = torch.tensor([sequence[-model.config.context:]])
            sequence.append(int(model(read)[0, -1].argmax()))
    return torch.tensor(sequences)
""",
    wrong={
        generated(read="tokens"): "longer than the context",
        generated(read="tokens[:, :model.config.context]"): "the text never moves on",
        generated(row="[:, 0]"): "You read the first row",
        generated(row="[:, -2]"): "the row before the last",
        generated(result="tokens[:, start.shape[1]:]"): "return the given ones too",
        generated(result="tokens[:, -model.config.context:]"): "You end with `context` tokens",
        """
def greedy(model, tokens, steps):
    for _ in range(steps):
        tokens = tokens[:, -model.config.context:]
        chosen = model(tokens)[:, -1].argmax(-1, keepdim=True)
        tokens = torch.cat([tokens, chosen], dim=1)
    return tokens
""": "You crop the text itself",
        generated(
            chosen="logits.softmax(-1).multinomial(1, generator=torch.Generator().manual_seed(0))"
        ): "New token number 1",
        generated(steps="steps - 1"): "You return as many tokens as were given",
        generated(steps="steps + 1"): "one token too many",
        generated(chosen="logits[:1].argmax(-1, keepdim=True).expand(2, 1)"): "its own likeliest",
        generated(chosen="logits.argmin(-1, keepdim=True)"): "New token number 1",
        generated(result="tokens.flip(1)"): "The given tokens should stand in front",
        generated(chosen="logits.argmax(-1)"): "stopped in its line",
        """
def greedy(model, tokens, steps):
    for _ in range(steps):
        tokens[:, -1:] = model(tokens)[:, -1].argmax(-1, keepdim=True)
    return tokens
""": "changed the given tokens",
    },
)

_SHARES = """
def shares(parts, w, eps=1e-5):
    x = parts.sum({axis})
    divisor = {divisor}
    centred = {centred}
    return {result}
"""


def split(
    axis="0",
    divisor="(x.var(correction=0) + eps).sqrt()",
    centred="parts - parts.mean(-1, keepdim=True)",
    result="centred @ w / divisor",
):
    return _SHARES.format(axis=axis, divisor=divisor, centred=centred, result=result)


SHARES = Case(
    "9.2",
    other_style="""
def shares(parts, w, eps=1e-5):
    d = parts.shape[1]
    x = sum(parts)
    variance = sum((number - x.mean()) ** 2 for number in x) / d
    shifted = w - w.mean()  # moving the mean from the parts to w
    return [float((part * shifted).sum() / (variance + eps) ** 0.5) for part in parts]
""",
    wrong={
        split(centred="parts"): "The mean is still in",
        split(divisor="(parts.var(-1, correction=0) + eps).sqrt()"): "by its own spread",
        split(result="parts @ w"): "row times the parts, not normed",
        split(result="centred @ w"): "now divide by the spread of the sum",
        split(centred="parts - x.mean()"): "2N + 2 times in all",
        split(centred="parts - x.mean() / len(parts)"): "They add up. But",
        split(centred="parts - parts.mean(0)"): "the mean over the *parts*",
        split(divisor="(x.var() + eps).sqrt()"): "divides by d − 1",
        split(divisor="x.var(correction=0).sqrt()"): "ε is missing",
        split(divisor="x.var(correction=0).sqrt() + eps"): "not beside the spread",
        split(divisor="x.var(correction=0) + eps"): "take its root",
        split(divisor="(parts.var(correction=0) + eps).sqrt()"): "variance of their *sum*",
        split(result="centred @ w / divisor / (centred @ w / divisor).sum()"): "fractions of the",
        split(result="(centred @ w / divisor).sum()"): "That is the whole logit",
        split(result="centred.sum() / divisor"): "One number",
        split(result="centred / divisor"): "Multiply them by the row",
        split(result="centred.sum(0) * w / divisor"): "you summed over the parts",
        split(result="(centred @ w / divisor).mean().expand(len(parts))"): "not part by part",
        split(result="2 * centred @ w / divisor"): "Your shares add up to",
        split(centred="parts.sub_(parts.mean(-1, keepdim=True))"): "changed the given parts",
    },
)

globals().update(all_tests([MASK, COUNT, SHARES, GREEDY]))
