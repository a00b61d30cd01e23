"""Exercises of notebook 09: what each wrong answer is told."""

import torch
from exercises.exercise import Case, all_tests

from lecture_utils.checks import continuation

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

_STYLES_OF_MASK = (
    """
def causal_weights(s):
    T = s.size(-1)
    return torch.softmax(s.masked_fill(torch.triu(torch.ones(T, T), 1) == 1, float("-inf")), -1)
""",
    """
def causal_weights(scores):
    T = scores.shape[-1]
    mask = torch.ones(T, T, dtype=torch.bool).triu(1)
    return scores.masked_fill(mask, -math.inf).float().softmax(-1).type_as(scores)
""",
    """
def causal_weights(scores):
    T = scores.shape[-1]
    i, j = torch.arange(T)[:, None], torch.arange(T)[None, :]
    return torch.where(j <= i, scores, torch.tensor(-math.inf)).softmax(dim=-1)
""",
    """
def causal_weights(scores):
    \"\"\"A row at a time, each softmax over the past alone.\"\"\"
    weights = torch.zeros_like(scores)
    for i in range(scores.shape[-1]):
        weights[..., i, :i + 1] = scores[..., i, :i + 1].softmax(-1)
    return weights
""",
    """
import numpy as np
def causal_weights(scores):
    s = scores.numpy().astype(np.float64)
    s = np.where(np.tri(s.shape[-1], dtype=bool), s, -np.inf)
    e = np.exp(s - s.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)
""",
    """
def causal_weights(scores):
    if scores.dim() > 2:
        return torch.stack([causal_weights(part) for part in scores])
    rows = []
    for i, row in enumerate(scores.tolist()):
        seen = row[: i + 1]
        top = max(seen)
        exps = [math.exp(value - top) for value in seen]
        rows.append([e / sum(exps) for e in exps] + [0.0] * (len(row) - i - 1))
    return torch.tensor(rows)
""",
    """
def causal_weights(scores):
    mask = torch.full(scores.shape[-2:], -math.inf).triu(diagonal=1)
    return (scores + mask).log_softmax(-1).exp()
""",
    """
causal_weights = lambda scores: nn.Softmax(dim=-1)(
    scores - 1e9 * torch.ones_like(scores).triu(1))
""",
    """
def causal_weights(scores):
    scores = scores.clone()
    T = scores.shape[-1]
    print("tokens:", T)
    assert scores.shape[-2] == T
    rows, columns = torch.triu_indices(T, T, 1)
    scores[..., rows, columns] = -math.inf
    weights = scores.softmax(-1)
    assert torch.allclose(weights.sum(-1), torch.ones_like(weights[..., 0]))
    return weights
""",
    """
class Mask(nn.Module):
    def forward(self, scores):
        future = nn.Transformer.generate_square_subsequent_mask(scores.shape[-1]).to(scores)
        return nn.functional.softmax(scores + future, dim=-1)
causal_weights = Mask()
""",
    """
def causal_weights(scores):
    s = scores.double() + torch.ones_like(scores).tril().double().log()
    s = s - s.max(-1, keepdim=True).values
    return (s.exp() / s.exp().sum(-1, keepdim=True)).tolist()
""",
    """
def causal_weights(scores):
    T = scores.shape[-1]
    flat = scores.reshape(-1, T, T)
    lower = torch.finfo(scores.dtype).min
    out = [torch.softmax(m.masked_fill(~torch.tril(torch.ones(T, T)).bool(), lower), 1)
           for m in flat]
    return torch.stack(out).reshape(scores.shape)
""",
)

MASK = Case(
    "9.1",
    styles=_STYLES_OF_MASK,
    inputs=lambda _: [(10 * torch.randn(n),) for n in ((4, 4), (1, 1), (2, 3, 5, 5), (3, 3, 3))],
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
        mask("scores.masked_fill_(~allowed, -math.inf).softmax(-1)"): "changes `scores` in place",
        mask("scores.masked_fill(~allowed, -1).softmax(-1)"): "The future gets weight",
        mask("scores.masked_fill(~allowed, -math.inf)"): "no weights yet",
        mask(
            "nn.functional.normalize(scores.softmax(-1) * allowed, p=1, dim=-1)"
        ): "before any exp",
        mask("nn.functional.normalize(scores.exp() * allowed, p=1, dim=-1)"): "before any exp",
        _EXP: "subtract the row's largest score first",
        mask("scores[allowed]"): "expected shape (4, 4)",
        mask("scores.masked_fill(~allowed, -100).softmax(-1)"): "a large negative number is no",
        mask("scores.tril().softmax(-1).tril()"): "must sum to 1",
        mask("(scores / T**0.5).masked_fill(~allowed, -math.inf).softmax(-1)"): "divide by a root",
        mask(
            "(allowed / allowed.sum(-1, keepdim=True)).expand_as(scores)"
        ): "share the weight out evenly",
        mask("scores.masked_fill(~allowed, math.inf).softmax(-1)"): "The future gets +inf",
        mask("(scores + ~allowed * -math.inf).softmax(-1)"): "0 times infinity is nan",
        mask("scores.tril().masked_fill(scores.tril() == 0, -math.inf).softmax(-1)"): (
            "wherever a number is 0"
        ),
        mask(
            "(2**scores).tril() / (2**scores).tril().sum(-1, keepdim=True)"
        ): "must grow as e to its score",
        mask(
            "scaled_dot_product_attention(scores, torch.eye(T), torch.eye(T), is_causal=True, "
            "scale=1)"
        ): "You call PyTorch's attention",
        """
def causal_weights(scores):
    future = torch.ones(4, 4, dtype=torch.bool).triu(1)
    return scores.masked_fill(future, -math.inf).softmax(-1)
""": "not for five tokens",
        """
def causal_weights(scores):
    weights = torch.zeros_like(scores)
    for i in range(scores.shape[-1]):
        weights[..., i, :i] = scores[..., i, :i].softmax(-1)
    return weights
""": "look at itself, too",
        mask("torch.where(allowed, scores * 0 / 0, scores)"): "contains nan",
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


_STYLES_OF_COUNT = (
    "parameters = lambda d, N, V=50257, T=1024: (V + T + 2) * d + N * d * (12 * d + 13)",
    """
def parameters(dim, depth, vocab_size=50257, context=1024):
    total = vocab_size * dim
    total += context * dim
    for block in range(depth):
        for matrix in ("queries", "keys", "values", "out"):
            total += dim * dim + dim
        total += dim * 4 * dim + 4 * dim
        total += 4 * dim * dim + dim
        for norm in range(2):
            total += dim + dim
    total += 2 * dim
    print(f"{total:,} parameters")
    return total
""",
    """
def linear(n_in, n_out):
    return n_in * n_out + n_out
def parameters(dim, depth, vocab_size=50257, context=1024):
    norm = 2 * dim
    attention = linear(dim, 3 * dim) + linear(dim, dim)
    feed_forward = linear(dim, 4 * dim) + linear(4 * dim, dim)
    return float(vocab_size * dim + context * dim
                 + depth * (attention + feed_forward + 2 * norm) + norm)
""",
    """
import numpy as np
def parameters(dim, depth, vocab_size=50257, context=1024):
    return np.dot([vocab_size + context, depth, 1], [dim, 12 * dim**2 + 13 * dim, 2 * dim])
""",
    """
def parameters(dim, depth, vocab_size=50257, context=1024):
    if depth == 0:
        return (vocab_size + context + 2) * dim
    return parameters(dim, depth - 1, vocab_size, context) + 12 * dim * dim + 13 * dim
""",
    """
def parameters(dim, depth, *, vocab_size=50257, context=1024):
    assert dim > 0 and depth >= 0
    tables = torch.tensor((vocab_size + context) * dim)
    blocks = torch.tensor(depth) * (12 * dim**2 + 13 * dim)
    return tables + blocks + 2 * dim
""",
    """
def parameters(dim, depth, vocab_size=50257, context=1024):
    shapes = [(vocab_size, dim), (context, dim), (dim,), (dim,)]
    block = [(dim, 3 * dim), (3 * dim,), (dim, dim), (dim,), (dim, 4 * dim), (4 * dim,),
             (4 * dim, dim), (dim,), (dim,), (dim,), (dim,), (dim,)]
    return sum(math.prod(shape) for shape in shapes + block * depth)
""",
    """
def parameters(dim, depth, vocab_size=50257, context=1024):
    with torch.device("meta"):
        block = GPTBlock(GPTConfig(dim=dim, num_heads=dim // 64))
        rest = [nn.Embedding(vocab_size, dim), nn.Embedding(context, dim), nn.LayerNorm(dim)]
    return depth * count(block) + sum(map(count, rest))
""",
    """
from fractions import Fraction
def parameters(dim, depth, vocab_size=50257, context=1024):
    d = Fraction(dim)
    return d * (vocab_size + context + 2 + depth * (12 * d + 13))
""",
    """
import functools
def formula(*sizes):
    d, N, V, T = map(float, sizes)
    return (V + T) * d + N * (12 * d**2 + 13 * d) + 2 * d
def parameters(dim, depth, vocab_size=50257, context=1024):
    return [formula(dim, depth, vocab_size, context)]
""",
)

COUNT = Case(
    "9.3",
    styles=_STYLES_OF_COUNT,
    inputs=lambda _: [(768, 12), (1024, 24), (64, 1, 9, 5), (8, 2, 5, 7)],
    outcome=lambda n, *_: str(round(float(n), 3)),
    other_style="""
def parameters(dim, depth, vocab_size=50257, context=1024):
    with torch.device("meta"):
        model = GPT(GPTConfig(vocab_size, context, dim, dim // 64, depth))
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
        counted(blocks="depth * (12 * dim**2 + 11 * dim)"): "you counted one",
        counted(blocks="depth * (12 * dim**2 + 11 * dim)", rest="dim"): "A norm has two vectors",
        counted(blocks="12 * dim**2 + 13 * dim"): "one block only",
        counted("vocab_size * dim", "12 * depth * dim**2", "0"): "rule of thumb",
        counted(blocks="depth * (11 * dim**2 + 12 * dim)"): "Attention has four matrices with",
        counted(blocks="(depth - 1) * (12 * dim**2 + 13 * dim)"): "One block is missing",
        counted(blocks="depth * (12 * dim**2 + 16 * dim)"): "3 N d too many (the blocks' biases",
        counted(blocks="depth * (12 * dim**2 + 12 * dim)", rest="dim"): "1 d too few (the norm at",
        counted(blocks="depth * (12 * dim^2 + 13 * dim)"): "two stars",
        counted(blocks="depth * 12 * dim**2 + 13 * dim"): "brackets",
        counted(blocks="depth * (12 * dim**2 + 15 * dim)", rest="0"): "last norm in every block",
        counted(tables="(vocab_size + context) * depth"): "Compare with the list in section 9.4",
        counted(rest="2 * dim + 7"): "7 too many (a constant)",
        "def parameters(dim, depth, V=50257, T=1024): return 354823168": "each time",
        "def parameters(dim, depth, V=50257, T=1024): return dim": "one of the arguments",
        counted().replace("50257", "50000"): "as in the stub",
        counted(tables="(50257 + context) * dim"): "50257 is written into",
        "def parameters(dim, depth): return 12 * depth * dim**2": "Keep those of the stub",
        """
def parameters(dim, depth, vocab_size=50257, context=1024):
    return {768: 124439808, 1024: 354823168}.get(dim, 0)
""": "Is a number written out",
        counted(tables="(50257 + 1024) * dim"): "Do you use the arguments?",
        counted(blocks="depth * (8 * dim**2 + 13 * dim)"): "4 N d² too few (the blocks' matrices",
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


_STYLES_OF_GREEDY = (
    """
def greedy(model, tokens, steps):
    if steps == 0:
        return tokens
    new = model(tokens[:, -model.config.context:])[:, -1].argmax(-1)
    return greedy(model, torch.cat([tokens, new[:, None]], 1), steps - 1)
""",
    """
@torch.no_grad()
def greedy(model, tokens, steps):
    model.eval()
    batch, time = tokens.shape
    out = torch.zeros(batch, time + steps, dtype=torch.long)
    out[:, :time] = tokens
    for t in range(time, time + steps):
        first = max(0, t - model.config.context)
        out[:, t] = torch.topk(model(out[:, first:t])[:, -1, :], 1).indices.squeeze(-1)
    return out
""",
    """
import numpy as np
def greedy(model, tokens, steps):
    device = next(model.parameters()).device
    ids = tokens.numpy().copy()
    for step in range(steps):
        read = torch.from_numpy(ids[:, -model.config.context:]).to(device)
        with torch.inference_mode():
            probabilities = model(read).softmax(-1).numpy()
        ids = np.concatenate([ids, probabilities[:, -1].argmax(-1)[:, None]], axis=1)
    return ids
""",
    """
def greedy(model, tokens, steps):
    window = tokens
    new = []
    for _ in range(steps):
        window = window[:, -model.config.context:]
        best = model(window)[:, -1].max(-1).indices.unsqueeze(1)
        new.append(best)
        window = torch.hstack([window, best])
    return torch.hstack([tokens, *new])
""",
    """
def greedy(model, tokens, steps):
    context = model.config.context
    texts = [list(map(int, text)) for text in tokens]
    for text in texts:
        for _ in range(steps):
            logits = model(torch.tensor([text[-context:]]))[0][-1].tolist()
            best = 0
            for candidate in range(model.config.vocab_size):
                if logits[candidate] > logits[best]:
                    best = candidate
            text.append(best)
    return texts
""",
    """
def greedy(model, ids, n):
    rows = []
    for row in ids:
        row = row.clone()
        while len(row) < ids.shape[1] + n:
            read = row[-model.config.context:].unsqueeze(0)
            row = torch.cat([row, model(read)[0, -1].argmax().view(1)])
        rows.append(row)
    return torch.stack(rows)
""",
    """
import functools
def append(tokens, _, model):
    logits = model.read(model.stream(tokens[:, -model.config.context:])[-1])
    return torch.cat([tokens, logits[:, -1].argsort(-1)[:, -1:]], dim=-1)
def greedy(model, tokens, steps):
    return functools.reduce(functools.partial(append, model=model), range(steps), tokens)
""",
    """
class Greedy:
    def __init__(self, show=False):
        self.show = show
    def next(self, model, tokens):
        context = model.config.context
        read = tokens if tokens.shape[1] <= context else tokens[:, tokens.shape[1] - context:]
        return model(read).log_softmax(-1)[:, -1].argmax(-1, keepdim=True)
    def __call__(self, model, tokens, steps):
        torch.manual_seed(0)
        for _ in range(steps):
            tokens = torch.cat((tokens, self.next(model, tokens)), 1)
            if self.show:
                print(tokens)
        return tokens
greedy = Greedy()
""",
    """
def greedy(model, tokens, steps):
    assert tokens.dim() == 2 and steps > 0
    result = torch.clone(tokens)
    step = 0
    while step < steps:
        cropped = result
        if cropped.size(1) > model.config.context:
            cropped = cropped[:, -model.config.context:]
        logits = model.double()(cropped) if step < 0 else model(cropped)
        last = logits[:, -1, :]
        chosen = torch.argmax(last, dim=1).reshape(-1, 1)
        result = torch.cat((result, chosen), dim=1)
        step += 1
    assert result.shape[1] == tokens.shape[1] + steps
    return result
""",
    """
greedy = lambda model, tokens, steps, pad=0: tokens if not steps else greedy(model, torch.cat([
    tokens, model(tokens[:, -model.config.context:]).argmax(-1)[:, -1:]], 1), steps - 1)
""",
)

GREEDY = Case(
    "9.4",
    styles=_STYLES_OF_GREEDY,
    inputs=lambda _: [trial.given for trial in continuation._trials()],
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
        ): "Do you draw at random",
        generated(steps="steps - 1"): "One token is missing",
        generated(steps="steps + 1"): "one token too many",
        generated(
            chosen="logits[:1].argmax(-1, keepdim=True).expand(len(tokens), 1)"
        ): "the token of the first",
        generated(chosen="logits.argmin(-1, keepdim=True)"): "argmax, not argmin",
        generated(read="tokens[:, -1:]"): "the last token alone",
        generated(read="tokens[:, -model.config.context + 1:]"): "one token fewer than it can",
        generated(read="start[:, -model.config.context:]"): "are the first one again",
        generated(read="tokens[:, -16:]"): "longer than the context",
        generated(row="", chosen="logits.argmax(-1)"): "a token for each row",
        generated(row="", chosen="logits.mean(1).argmax(-1, keepdim=True)"): "mean over all rows",
        generated(chosen="logits.argmax(0, keepdim=True)"): "runs over the texts",
        generated(chosen="logits.argmax().expand(len(tokens), 1)"): "argmax without an axis",
        generated(chosen="logits.topk(3).indices[:, 2:]"): "is number 3 of the last row",
        generated(chosen="logits.topk(2).indices[:, 1:]"): "second likeliest",
        generated(chosen="tokens[:, -1:]"): "You repeat the last given token",
        generated(result="tokens[0]"): "You return the first text only",
        "def greedy(model, tokens, steps): return tokens": "the text as it came",
        "def greedy(model, tokens, steps): return model.generate(tokens, steps, 0)": "`generate`",
        """
from lecture_utils.models import generate as go_on
greedy = lambda model, tokens, steps: go_on(model, tokens, steps, temperature=0)
""": "You call `generate`",
        """
def greedy(model, tokens, steps):
    new = model(tokens[:, -model.config.context:])[:, -1].topk(steps).indices
    return torch.cat([tokens, new], dim=1)
""": "They are rivals for *one* place",
        """
def greedy(model, tokens, steps):
    model.train()
    for _ in range(steps):
        logits = model(tokens[:, -model.config.context:])[:, -1]
        tokens = torch.cat([tokens, logits.argmax(-1, keepdim=True)], dim=1)
    return tokens
""": "dropout is on",
        """
def greedy(model, tokens, steps):
    for k in range(steps):
        logits = model(tokens[:, k:k + model.config.context])[:, -1]
        tokens = torch.cat([tokens, logits.argmax(-1, keepdim=True)], dim=1)
    return tokens
""": "never reads all of the last 16 tokens",
        generated(result="tokens.flip(1)"): "stand backwards",
        generated(chosen="logits.argmax(-1)"): "stopped in its line",
        """
def greedy(model, tokens, steps):
    for _ in range(steps):
        tokens[:, -1:] = model(tokens)[:, -1].argmax(-1, keepdim=True)
    return tokens
""": "changes `tokens` in place",
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


_STYLES_OF_SHARES = (
    """
def shares(parts, row, eps=1e-5):
    x = parts.sum(0)
    flat = row - row.mean()
    return (parts * flat).sum(1) / torch.sqrt(x.var(unbiased=False) + eps)
""",
    """
def shares(parts, row, eps=1e-5):
    d = len(row)
    x = [sum(part[k].item() for part in parts) for k in range(d)]
    mean = sum(x) / d
    variance = sum((value - mean) ** 2 for value in x) / d
    divisor = math.sqrt(variance + eps)
    result = []
    for part in parts.tolist():
        own = sum(part) / d
        result.append(sum((value - own) * t for value, t in zip(part, row.tolist())) / divisor)
    return result
""",
    """
import numpy as np
def shares(parts, row, eps=1e-5):
    p, t = parts.numpy().astype(float), row.numpy().astype(float)
    return (p - p.mean(axis=1, keepdims=True)) @ t / np.sqrt(p.sum(axis=0).var() + eps)
""",
    """
def shares(parts, row, eps=1e-5):
    centred = parts - parts.mean(dim=1).unsqueeze(1)
    divisor = (centred.sum(0).square().mean() + eps) ** 0.5
    return torch.einsum("pd,d->p", centred, row) / divisor
""",
    """
def shares(parts, row, eps=1e-5):
    x = parts.sum(0, keepdim=True)
    rest = x - parts
    sigma = (x.std(correction=0) ** 2 + eps).sqrt()
    whole = (x - x.mean()) @ row
    return (whole - (rest - rest.mean(-1, keepdim=True)) @ row) / sigma
""",
    """
def shares(p, t, epsilon=1e-5):
    p, t = p.double(), t.double()
    centre = torch.eye(len(t), dtype=torch.float64) - 1 / len(t)
    x = centre @ p.sum(0)
    return (p @ centre @ t).div(x.dot(x).div(len(t)).add(epsilon).sqrt())
""",
    """
def shares(parts, row, eps=1e-5):
    x = parts.sum(0)
    norm = lambda v: nn.functional.layer_norm(v, v.shape, eps=eps)
    jacobian = (x - x.mean()).abs().max() / norm(x).abs().max()
    return torch.stack([(part - part.mean()) @ row for part in parts]) / jacobian
""",
    """
def shares(parts, row, eps=1e-5):
    copy = parts.clone()
    copy -= copy.mean(-1, keepdim=True)
    copy /= (copy.sum(0).var(correction=0) + eps).sqrt()
    copy *= row
    return copy.sum(-1)
""",
    """
def mean(v):
    return v.sum() / len(v)
def share(part, row, divisor):
    return torch.dot(part - mean(part), row) / divisor
def shares(parts, row, eps=1e-5):
    x = parts[0].clone()
    for part in parts[1:]:
        x = x + part
    assert x.shape == row.shape
    variance = mean((x - mean(x)) ** 2)
    divisor = torch.sqrt(variance + eps)
    result = torch.tensor([share(part, row, divisor) for part in parts])
    print("logit:", result.sum().item())
    return result
""",
    """
def shares(parts, row, eps=1e-5):
    x = parts.sum(0)
    inverse = torch.rsqrt(torch.var(x, correction=0) + eps)
    return tuple((inverse * (part @ row - part.mean() * row.sum())).item() for part in parts)
""",
)

SHARES = Case(
    "9.2",
    styles=_STYLES_OF_SHARES,
    inputs=lambda _: [
        (torch.randn(6, 4), torch.randn(4), 0.3),
        (torch.randn(3, 3), torch.randn(3), 1e-5),
        (1e-3 * torch.randn(4, 5), torch.randn(5)),
        (torch.randn(1, 8), torch.randn(8)),
    ],
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
        split(result="centred.sum() / divisor"): "expected shape (2,)",
        split(result="centred / divisor"): "not yet multiplied by the row",
        split(result="centred.sum(0) * w / divisor"): "You summed over the parts",
        split(result="(centred @ w / divisor).mean().expand(len(parts))"): "not part by part",
        split(result="2 * centred @ w / divisor"): "2 times the right result",
        split(divisor="(x.square().mean() + eps).sqrt()"): "root mean square",
        split(divisor="x.norm()"): "by the length of x",
        split(divisor="sum((part.var(correction=0) + eps).sqrt() for part in parts)"): (
            "added the parts' spreads"
        ),
        split(divisor="(x.var(correction=0) + 1e-5).sqrt()"): "use the ε that is given",
        split(divisor="(x.var(correction=0) + eps) ** 2"): "What stands above the divisor is right",
        split(result="centred @ w / x.std() + eps"): "You add ε to the result",
        split(result="centred.abs() @ w / divisor"): "the signs belong to it",
        split(result="(parts @ w - x.mean()) / divisor"): "before the product with the row",
        split(axis="1", centred="parts - parts.mean(-1, keepdim=True)"): "over the width before",
        split(centred="parts - x.mean()", divisor="x.std() + eps"): "The divisor is off",
        split(
            result="(centred @ w / divisor).sum() * parts.norm(dim=1) / parts.norm(dim=1).sum()"
        ): ("but not part by part"),
        split().replace("eps=1e-5", "eps=1e-4"): "the ε that you set yourself",
        split(centred="parts.sub_(parts.mean(-1, keepdim=True))"): "changes `parts` in place",
    },
)

globals().update(all_tests([MASK, COUNT, SHARES, GREEDY]))
