"""Reading a checkpoint's config.json: what it says must be what the course's GPT computes."""

import json
from pathlib import Path

from lecture_utils.files import kind_of, read_bytes
from lecture_utils.require.numbers import shown

HEADS = {768: 12, 1024: 16, 1280: 20, 1600: 25}  # by width, in the four released sizes
# The sizes that the weights show, too, and other names under which they are known.
_SIZES = {
    "vocab_size": "vocab_size",
    "n_positions": "context",
    "max_position_embeddings": "context",
    "n_ctx": "context",
    "n_embd": "dim",
    "hidden_size": "dim",
    "n_layer": "depth",
    "num_hidden_layers": "depth",
}
_HEADS = ("n_head", "num_attention_heads")
# What changes the computation, and the values with which it is GPT-2's.
_ONLY = {
    "model_type": ("gpt2",),
    "activation_function": ("gelu_new", "gelu_pytorch_tanh", "gelu_fast", "gelu_accurate"),
    "layer_norm_epsilon": (1e-5,),
    "scale_attn_weights": (True,),
    "scale_attn_by_inverse_layer_idx": (False,),
    "add_cross_attention": (False,),
    "tie_word_embeddings": (True,),
    "is_encoder_decoder": (False,),
    "is_causal": (True,),
    "pruned_heads": ({}, None),
    "quantization_config": (None,),
    "auto_map": ({}, None),
    "cross_attention_hidden_size": (None,),
    "rope_scaling": (None,),
    "rope_parameters": (None,),
}
_ARCHITECTURES = [
    f"{frame}GPT2{kind}" for frame in ("", "TF", "Flax") for kind in ("LMHeadModel", "Model")
]
# What does not change the logits of a model in evaluation mode.
_HARMLESS = frozenset({
    "resid_pdrop", "embd_pdrop", "attn_pdrop", "classifier_dropout", "hidden_dropout",
    "initializer_range", "gradient_checkpointing", "torchscript", "reorder_and_upcast_attn",
    "use_cache", "is_decoder", "chunk_size_feed_forward", "summary_type", "summary_use_proj",
    "summary_activation", "summary_proj_to_labels", "summary_first_dropout", "summary_last_dropout",
    "bos_token_id", "eos_token_id", "pad_token_id", "sep_token_id", "decoder_start_token_id",
    "dtype", "torch_dtype", "use_bfloat16", "tf_legacy_loss", "transformers_version",
    "task_specific_params", "id2label", "label2id", "num_labels", "problem_type", "finetuning_task",
    "tokenizer_class", "prefix", "output_attentions", "output_hidden_states", "return_dict",
    "predict_special_tokens", "n_special", "attn_implementation", "max_length", "min_length",
    "do_sample", "early_stopping", "num_beams", "num_beam_groups", "diversity_penalty",
    "temperature", "top_k", "top_p", "typical_p", "repetition_penalty", "length_penalty",
    "no_repeat_ngram_size", "encoder_no_repeat_ngram_size", "bad_words_ids", "num_return_sequences",
    "output_scores", "return_dict_in_generate", "forced_bos_token_id", "forced_eos_token_id",
    "remove_invalid_values", "suppress_tokens", "begin_suppress_tokens",
    "exponential_decay_length_penalty", "max_new_tokens", "name_or_path", "_name_or_path",
    "_num_labels", "_attn_implementation", "_attn_implementation_autoset", "_commit_hash",
    "_from_model_config",
})  # fmt: skip


def read_object(file: Path) -> dict:
    """Read a JSON file that holds an object.

    Raises:
        ValueError: it is empty, is no JSON text or no object, or names a key twice.
    """
    data = read_bytes(file)
    if not data.strip():
        raise ValueError(f"{file} is empty; fetch it again")
    try:
        found = json.loads(data.decode("utf-8-sig"), object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        kind = kind_of(data[:1024])
        looks = f"it looks like {kind[0]}" if kind else str(error)
        way = (kind and kind[1]) or "mend it, or fetch it again"
        raise ValueError(f"{file} is not a JSON file: {looks}; {way}") from error
    if not isinstance(found, dict):
        raise ValueError(f"{file} must hold a JSON object, {{...}}; it holds {shown(found)}")
    return found


def _once(pairs: list[tuple[str, object]]) -> dict:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"it names the key {twice!r} twice")
    return found


def number_of_heads(file: Path, sizes: dict[str, int]) -> int:
    """Return the number of heads that config.json says, after comparing all that it says.

    Args:
        file: config.json, which may be missing: then it is that of the released model as wide.
        sizes: vocab_size, context, dim and depth, as the weights show them.

    Raises:
        ValueError: a key says what the course's GPT does not compute, is unknown, or disagrees
            with the weights; or there is no number of heads.
    """
    if not file.exists() and not file.is_symlink():
        if sizes["dim"] not in HEADS:
            raise ValueError(
                f"there is no {file}, and a width of {sizes['dim']} is none of the released ones: "
                f"the weights do not show the number of heads; add the model's config.json"
            )
        return HEADS[sizes["dim"]]
    settings = read_object(file)
    faults = [fault for key, value in settings.items() if (fault := _fault(key, value, sizes))]
    if faults:
        more = f"; and {len(faults) - 5} more faults" if len(faults) > 5 else ""
        raise ValueError(f"{file} describes no GPT-2 of this course: {'; '.join(faults[:5])}{more}")
    return _heads(settings, sizes["dim"], file)


def _fault(key: str, value: object, sizes: dict[str, int]) -> str | None:
    """Say what is wrong with a key; None if it changes nothing."""
    if key in _SIZES:
        expected = sizes[_SIZES[key]]
        same = isinstance(value, int) and not isinstance(value, bool) and value == expected
        return None if same else f"{key} is {_json(value)}, the weights have {expected}"
    if key in _ONLY:
        known = _ONLY[key]
        kinds = (int, bool) if isinstance(known[0], bool) else type(known[0])
        if value in known and (value is None or isinstance(value, kinds)):
            return None
        return f"{key} is {_json(value)}, here it can only be {' or '.join(map(_json, known))}"
    if key == "n_inner":
        width = 4 * sizes["dim"]
        fits = value is None or value == width
        return None if fits else f"n_inner is {_json(value)}, here it is 4 * n_embd = {width}"
    if key == "architectures":
        named = value if isinstance(value, list) else [value]
        odd = [name for name in named if name is not None and name not in _ARCHITECTURES]
        return f"architectures is {_json(odd)}, here it is GPT2LMHeadModel" if odd else None
    if key in _HARMLESS or key in _HEADS or value is None:
        return None
    return f"the key {key!r} is not known here; delete it if it does not change the computation"


def _json(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _heads(settings: dict, dim: int, file: Path) -> int:
    given = {key: settings[key] for key in _HEADS if key in settings}
    if not given:
        raise ValueError(
            f"{file} lacks n_head, the number of attention heads, which the weights do not show; "
            f'add it, such as "n_head": 12'
        )
    for key, heads in given.items():
        if not isinstance(heads, int) or isinstance(heads, bool) or heads < 1:
            raise ValueError(f"{file}: {key} must be a positive whole number; got {shown(heads)}")
        if dim % heads:
            raise ValueError(f"{file}: n_embd {dim} cannot be shared evenly by {key} {heads}")
    if len(set(given.values())) > 1:
        raise ValueError(f"{file} disagrees with itself about the number of heads: {given}")
    return next(iter(given.values()))
