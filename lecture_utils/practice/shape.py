"""What a model's config.json comes to: its sizes, and where its norms and shortcuts stand."""

from dataclasses import dataclass, fields

from lecture_utils.require.drawing import require_finite, require_text
from lecture_utils.require.numbers import require_choice, require_flag, require_positive, shown
from lecture_utils.require.tensors import require_whole

# The equation of a block, and what it says, by the place of its norms.
PLACEMENTS = {
    "pre-norm": (
        "x + F(norm(x))",
        "each branch reads the normalised stream, the shortcut itself passes no norm",
    ),
    "post-norm": (
        "norm(x + F(x))",
        "each sum is normalised, so the shortcut passes a norm after every branch",
    ),
    "sandwich": (
        "x + norm(F(norm(x)))",
        "each branch is normalised before and behind, the shortcut itself passes no norm",
    ),
    "output norm": (
        "x + norm(F(x))",
        "each branch reads the raw stream and is normalised behind, the shortcut passes no norm",
    ),
    "parallel pre-norm": (
        "x + A(norm(x)) + M(norm(x))",
        "attention and feed-forward read the same stream, both are added at once, and the shortcut "
        "passes no norm",
    ),
    "pre-norm, scaled branch": (
        "x + c·F(norm(x))",
        "each branch reads the normalised stream and is multiplied by c before it is added, the "
        "shortcut passes no norm",
    ),
}
NORMS = ("LayerNorm", "LayerNorm without bias", "RMSNorm")


@dataclass(frozen=True)
class Wiring:
    """Where the norms stand.

    Attributes:
        placement: a key of PLACEMENTS.
        norm: one of NORMS.
        branch_factor: c, with which a branch is multiplied before it is added; 1 if with none.

    Raises:
        ValueError: the placement or the norm is unknown, or the factor no finite number.
    """

    placement: str
    norm: str
    branch_factor: float = 1.0

    def __post_init__(self) -> None:
        require_choice("placement", self.placement, PLACEMENTS)
        require_choice("norm", self.norm, NORMS)
        require_finite("branch_factor", self.branch_factor)

    @property
    def equation(self) -> str:
        """The block in one line, x the stream and F a branch."""
        equation = PLACEMENTS[self.placement][0]
        return equation.replace("c·", f"{self.branch_factor:g}·")

    @property
    def sentence(self) -> str:
        """The wiring in one sentence."""
        said = PLACEMENTS[self.placement][1].replace(" by c ", f" by {self.branch_factor:g} ")
        return f"{self.placement} with {self.norm}, {self.equation}: {said}."


@dataclass(frozen=True)
class Shape:
    """The sizes of a transformer: all that its number of parameters and its costs depend on.

    Attributes:
        name: what it is called in a report.
        family: model_type of its config.json.
        wiring: where the norms stand.
        vocab_size: V, tokens.
        dim: d, width of the stream.
        depth: N, blocks.
        num_heads: n_h, heads of queries.
        num_kv_heads: n_kv, heads of keys and values.
        head_dim: d_h, width of a head.
        hidden_dim: d_ff, width inside the feed-forward, or inside one expert.
        context: the longest text, tokens.
        gated: three matrices in the feed-forward (SwiGLU, GeGLU) and not two.
        tied: the head's matrix is the embedding's.
        causal: a token sees those before it only; if not, nothing is kept in a cache.
        qkv_bias: queries, keys and values have biases.
        out_bias: attention's output has one.
        mlp_bias: the feed-forward has them.
        head_bias: the head has one.
        norms: norms of width d in a block.
        qk_norm: weights in the norms of queries and keys of a block.
        positions: rows of learned tables of positions and token types.
        head_transform: BERT's layer of d x d and its norm before the head.
        experts: experts of a block; 1 for none.
        active_experts: experts that a token passes.
        shared_dim: width of the expert that every token passes; 0 for none.
        window: tokens that a token sees in the blocks with a sliding window; None for none.
        windowed: blocks with a sliding window.

    Raises:
        ValueError: a number is impossible, or two do not fit together.
    """

    name: str
    family: str
    wiring: Wiring
    vocab_size: int
    dim: int
    depth: int
    num_heads: int
    num_kv_heads: int
    head_dim: int
    hidden_dim: int
    context: int
    gated: bool = True
    tied: bool = False
    causal: bool = True
    qkv_bias: bool = False
    out_bias: bool = False
    mlp_bias: bool = False
    head_bias: bool = False
    norms: int = 2
    qk_norm: int = 0
    positions: int = 0
    head_transform: bool = False
    experts: int = 1
    active_experts: int = 1
    shared_dim: int = 0
    window: int | None = None
    windowed: int = 0

    def __post_init__(self) -> None:
        require_text("name", self.name)
        require_text("family", self.family)
        if not isinstance(self.wiring, Wiring):
            raise ValueError(f"wiring must be a Wiring(…); got {shown(self.wiring)}")
        for field in fields(self):
            if field.type is int or field.type == "int":
                low = 0 if field.name in _MAY_BE_NONE else 1
                require_whole(field.name, getattr(self, field.name), low, 10**9)
            elif field.type is bool:
                require_flag(field.name, getattr(self, field.name))
        if self.window is not None:
            require_positive("window", self.window)
        self._fit()

    def _fit(self) -> None:
        if self.num_heads % self.num_kv_heads:
            raise ValueError(
                f"num_heads {self.num_heads} cannot be shared evenly by num_kv_heads "
                f"{self.num_kv_heads}"
            )
        for part, whole in (("active_experts", "experts"), ("windowed", "depth")):
            if getattr(self, part) > getattr(self, whole):
                raise ValueError(
                    f"{part} must be at most {whole}, {getattr(self, whole)}; got "
                    f"{getattr(self, part)}"
                )
        if (self.window is None) != (self.windowed == 0):
            raise ValueError(
                f"window {self.window} and windowed {self.windowed} do not belong together: give "
                f"both, or None and 0"
            )

    @property
    def attention_dim(self) -> int:
        """Width of all queries together, n_h·d_h; often d."""
        return self.num_heads * self.head_dim

    @property
    def kv_dim(self) -> int:
        """Width of all keys together, n_kv·d_h."""
        return self.num_kv_heads * self.head_dim


_MAY_BE_NONE = ("qk_norm", "positions", "shared_dim", "windowed")
