"""What each family of models does with its config.json: read from the source of its classes.

Source: transformers 5.23.0, src/transformers/models/…/modeling_….py, read 2026-11-27: where the
norms stand follows from each block's forward(), not from the norms' names (Llama's
post_attention_layernorm is the norm *before* the feed-forward). tests/test_practice.py builds
every family's class and compares the number of parameters.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

# Under which key each size stands.
HIDDEN = {
    "vocab_size": "vocab_size",
    "dim": "hidden_size",
    "depth": "num_hidden_layers",
    "num_heads": "num_attention_heads",
    "hidden_dim": "intermediate_size",
    "context": "max_position_embeddings",
}
GPT = {
    "vocab_size": "vocab_size",
    "dim": "n_embd",
    "depth": "n_layer",
    "num_heads": "n_head",
    "hidden_dim": "n_inner",
    "context": "n_positions",
}


@dataclass(frozen=True)
class Family:
    """What holds for all models of a model_type.

    Attributes:
        architecture: the class, with its head, whose parameters are counted.
        placement: where the norms stand, a key of shape.PLACEMENTS.
        norm: one of shape.NORMS.
        keys: the key of each size.
        norms: norms of width d in a block.
        gated: three matrices in the feed-forward.
        kv_heads: "given" if num_key_value_heads must be, "heads" if it is num_heads when missing,
            None if there is no such key, nor head_dim.
        head_dim: the width of a head if head_dim is not given; None for d / n_h.
        qkv_bias, out_bias, mlp_bias: True, False, or the key that says it.
        bias: what holds if that key is missing.
        head_bias: the head has one.
        tied: what holds if tie_word_embeddings is missing.
        qk_norm: norms of queries and keys: "head" (shared by the heads), "all" (as wide as all
            heads together), None, or the key that says whether there are such as "all".
        positions: it has a learned table of positions.
        encoder: it sees the text in both directions, and has BERT's head.
        parallel: the key that says whether the branches are parallel; True if missing.
        factor: the key of the branch's factor.
        experts: the keys of the number of experts, of those a token passes, and of their width.
        shared: the key of the width of the expert that every token passes.
        window: None if there is no sliding window; 1 if all blocks have it, k if all but each
            k-th do.
        window_if: the key that must be true for a window.
        only: keys that would change count or wiring, and the values with which they do not.
        free: keys of this family, beside those of all, that change neither.
    """

    architecture: str
    placement: str = "pre-norm"
    norm: str = "RMSNorm"
    keys: Mapping[str, str] = field(default_factory=lambda: HIDDEN)
    norms: int = 2
    gated: bool = True
    kv_heads: str | None = "given"
    head_dim: int | None = None
    qkv_bias: bool | str = False
    out_bias: bool | str = False
    mlp_bias: bool | str = False
    bias: bool = False
    head_bias: bool = False
    tied: bool = False
    qk_norm: str | None = None
    positions: bool = False
    encoder: bool = False
    parallel: str | None = None
    factor: str | None = None
    experts: tuple[str, str, str] | None = None
    shared: str | None = None
    window: int | None = None
    window_if: str | None = None
    only: Mapping[str, tuple] = field(default_factory=dict)
    free: frozenset[str] = frozenset()


_BIASED = {"qkv_bias": True, "out_bias": True, "mlp_bias": True}
_ASKED = {"qkv_bias": "attention_bias", "out_bias": "attention_bias"}
_LAYER_NORM = {"norm": "LayerNorm", "gated": False, "kv_heads": None}
_NO_ATTENTION_BIAS = {"attention_bias": (False,)}
_ALL_EXPERTS = {
    "decoder_sparse_step": (1,),
    "mlp_only_layers": ([], None),
    "use_sliding_window": (False,),
}
_LLAMA = Family("LlamaForCausalLM", kv_heads="heads", mlp_bias="mlp_bias", **_ASKED)
_QWEN = Family(
    "Qwen2ForCausalLM", qkv_bias=True, window=1, window_if="use_sliding_window",
    free=frozenset({"max_window_layers"}),
)  # fmt: skip
_GEMMA = Family(
    "GemmaForCausalLM", head_dim=256, tied=True,
    only={"use_bidirectional_attention": (False, None)},
    free=frozenset({"hidden_activation", "query_pre_attn_scalar", "final_logit_softcapping",
                    "attn_logit_softcapping", "cache_implementation"}),
    **_ASKED,
)  # fmt: skip
_OLMO = Family(
    "Olmo2ForCausalLM", placement="output norm", kv_heads="heads", qk_norm="all", **_ASKED
)
_COHERE = Family(
    "CohereForCausalLM", placement="parallel pre-norm", norm="LayerNorm without bias", norms=1,
    kv_heads="heads", tied=True, qk_norm="use_qk_norm", free=frozenset({"logit_scale"}), **_ASKED,
)  # fmt: skip

FAMILIES = {
    "gpt2": Family(
        "GPT2LMHeadModel", keys=GPT, tied=True, positions=True, **_BIASED, **_LAYER_NORM,
        only={"add_cross_attention": (False,)},
        free=frozenset({"scale_attn_weights", "scale_attn_by_inverse_layer_idx",
                        "reorder_and_upcast_attn", "n_special", "predict_special_tokens"}),
    ),
    "bert": Family(
        "BertForMaskedLM", placement="post-norm", tied=True, positions=True, encoder=True,
        head_bias=True, **_BIASED, **_LAYER_NORM,
        only={"add_cross_attention": (False,), "is_decoder": (False,),
              "position_embedding_type": ("absolute",), "tie_word_embeddings": (True,)},
        free=frozenset({"attention_probs_dropout_prob", "hidden_dropout_prob", "directionality"}),
    ),
    "gptj": Family(
        "GPTJForCausalLM", placement="parallel pre-norm", keys=GPT, norms=1, mlp_bias=True,
        head_bias=True, free=frozenset({"rotary", "rotary_dim", "scale_attn_weights"}),
        **_LAYER_NORM,
    ),
    "gpt_neox": Family(
        "GPTNeoXForCausalLM", placement="parallel pre-norm", parallel="use_parallel_residual",
        qkv_bias="attention_bias", out_bias="attention_bias", bias=True, mlp_bias=True,
        free=frozenset({"rotary_emb_base", "rotary_pct"}), **_LAYER_NORM,
    ),
    "phi": Family(
        "PhiForCausalLM", placement="parallel pre-norm", norm="LayerNorm", norms=1, gated=False,
        kv_heads="heads", head_bias=True, only={"qk_layernorm": (False,)}, **_BIASED,
    ),
    "llama": _LLAMA,
    "smollm3": replace(
        _LLAMA, architecture="SmolLM3ForCausalLM", kv_heads="given", tied=True, window=1,
        window_if="use_sliding_window", only={"use_sliding_window": (False,)},
        free=frozenset({"max_window_layers", "no_rope_layers", "no_rope_layer_interval"}),
    ),
    "granite": replace(
        _LLAMA, architecture="GraniteForCausalLM", placement="pre-norm, scaled branch",
        factor="residual_multiplier",
        free=frozenset({"embedding_multiplier", "attention_multiplier", "logits_scaling"}),
    ),
    "mistral": Family("MistralForCausalLM", window=1),
    "phi3": Family(
        "Phi3ForCausalLM", kv_heads="heads", window=1,
        only={"attention_bias": (False,), "mlp_bias": (False,), "lm_head_bias": (False,)},
        free=frozenset({"auto_map", "original_max_position_embeddings", "full_attn_mod",
                        "interpolate_factor"}),
    ),
    "qwen2": _QWEN,
    "qwen3": replace(
        _QWEN, architecture="Qwen3ForCausalLM", head_dim=128, qk_norm="head", **_ASKED
    ),
    "gemma": _GEMMA,
    "gemma2": replace(
        _GEMMA, architecture="Gemma2ForCausalLM", placement="sandwich", norms=4, window=2
    ),
    "gemma3_text": replace(
        _GEMMA, architecture="Gemma3ForCausalLM", placement="sandwich", norms=4, window=6,
        qk_norm="head",
        free=_GEMMA.free | {"rope_local_base_freq", "sliding_window_pattern"},
    ),
    "glm4": Family(
        "Glm4ForCausalLM", placement="sandwich", norms=4, head_dim=128, qkv_bias="attention_bias",
        bias=True,
    ),
    "olmo2": _OLMO,
    "olmo3": replace(_OLMO, architecture="Olmo3ForCausalLM", window=4),
    "exaone4": Family(
        "Exaone4ForCausalLM", placement="output norm", qk_norm="head", window=4,
        only=_NO_ATTENTION_BIAS, free=frozenset({"sliding_window_pattern"}),
    ),
    "cohere": _COHERE,
    "cohere2": replace(
        _COHERE, architecture="Cohere2ForCausalLM", qk_norm=None, window=4,
        only={"use_qk_norm": (False,)}, free=_COHERE.free | {"sliding_window_pattern"},
    ),
    "mixtral": Family(
        "MixtralForCausalLM", window=1, only=_NO_ATTENTION_BIAS,
        experts=("num_local_experts", "num_experts_per_tok", "intermediate_size"),
    ),
    "qwen2_moe": replace(
        _QWEN, architecture="Qwen2MoeForCausalLM", shared="shared_expert_intermediate_size",
        experts=("num_experts", "num_experts_per_tok", "moe_intermediate_size"),
        only=_ALL_EXPERTS,
    ),
    "qwen3_moe": replace(
        _QWEN, architecture="Qwen3MoeForCausalLM", qk_norm="head",
        only=_ALL_EXPERTS | {"shared_expert_intermediate_size": (0, None)},
        experts=("num_experts", "num_experts_per_tok", "moe_intermediate_size"), **_ASKED,
    ),
    "olmoe": Family(
        "OlmoeForCausalLM", kv_heads="heads", qk_norm="all", only={"head_dim": (None,)},
        free=frozenset({"clip_qkv"}),
        experts=("num_experts", "num_experts_per_tok", "intermediate_size"), **_ASKED,
    ),
}  # fmt: skip

# What changes, in any family, neither the number of parameters nor the place of a norm.
FREE = frozenset({
    "model_type", "_name_or_path", "name_or_path", "_attn_implementation", "attn_implementation",
    "_attn_implementation_autoset", "_commit_hash", "_from_model_config", "transformers_version",
    "transformers.js_config", "torch_dtype", "dtype", "is_llama_config", "hidden_act",
    "activation_function", "rms_norm_eps", "layer_norm_eps", "layer_norm_epsilon", "norm_eps",
    "initializer_range", "use_cache", "is_decoder", "pretraining_tp", "gradient_checkpointing",
    "resid_pdrop", "embd_pdrop", "attn_pdrop", "attention_dropout", "hidden_dropout",
    "classifier_dropout", "rope_theta", "rope_scaling", "rope_parameters", "rope_interleaved",
    "partial_rotary_factor", "bos_token_id", "eos_token_id", "pad_token_id", "sep_token_id",
    "decoder_start_token_id", "tokenizer_class", "summary_type", "summary_use_proj",
    "summary_activation", "summary_proj_to_labels", "summary_first_dropout",
    "task_specific_params", "output_router_logits", "router_aux_loss_coef", "router_jitter_noise",
    "norm_topk_prob", "chunk_size_feed_forward", "output_attentions", "output_hidden_states",
    "return_dict", "id2label", "label2id", "num_labels", "problem_type", "finetuning_task",
    "torchscript", "use_bfloat16", "tf_legacy_loss", "prefix", "max_length", "min_length",
    "do_sample", "temperature", "top_k", "top_p", "repetition_penalty", "length_penalty",
    "num_beams", "num_return_sequences", "max_new_tokens", "suppress_tokens",
    "begin_suppress_tokens", "forced_bos_token_id", "forced_eos_token_id", "unsloth_version",
})  # fmt: skip
# What would change the model of any family, and the values with which it does not.
ONLY = {
    "add_cross_attention": (False,),
    "is_encoder_decoder": (False,),
    "pruned_heads": ({}, None),
    "quantization_config": (None,),
    "cross_attention_hidden_size": (None,),
    "auto_map": ({}, None),
}
