"""Files that a reader gives: GPT-2 checkpoints and texts; right to the number, or refused."""

import bz2
import gzip
import io
import json
import pickle
import shutil
import tarfile
import zipfile
from unittest.mock import patch

import pytest
import torch
import transformers
from hypothesis import given
from hypothesis import strategies as st
from properties.bad import refusal
from safetensors.torch import load_file, save, save_file

from lecture_utils.data import corpus
from lecture_utils.models import GPT, GPTConfig, load_gpt2

DIM, HEADS, DEPTH, VOCAB, CONTEXT = 16, 4, 3, 65, 32
TOKENS = torch.arange(40).view(2, 20) % VOCAB


def reference(**options):
    """A GPT-2 of the reference library with weights that all matter."""
    torch.manual_seed(0)
    config = transformers.GPT2Config(
        vocab_size=VOCAB, n_positions=CONTEXT, n_embd=DIM, n_layer=DEPTH, n_head=HEADS,
        bos_token_id=0, eos_token_id=0, **options,
    )  # fmt: skip
    model = transformers.GPT2LMHeadModel(config).eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.2 * torch.randn_like(weight))
    return model


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved")
    reference().save_pretrained(folder)
    return folder


@pytest.fixture
def folder(saved, tmp_path):
    return shutil.copytree(saved, tmp_path / "gpt2")


def configure(folder, **changes):
    file = folder / "config.json"
    settings = json.loads(file.read_text("utf-8")) | changes
    kept = {key: value for key, value in settings.items() if value is not ...}
    file.write_text(json.dumps(kept), "utf-8")


def reweigh(folder, change):
    weights = load_file(folder / "model.safetensors")
    weights = change(weights) or weights
    save_file({name: w.contiguous() for name, w in weights.items()}, folder / "model.safetensors")


def logits(path):
    return GPT.from_pretrained_gpt2(path)(TOKENS)


def expected(folder):
    """The logits of the reference library, which reads the same folder."""
    model = transformers.GPT2LMHeadModel.from_pretrained(folder, dtype=torch.float32)
    return model.eval()(TOKENS).logits


def refused(folder, *, error=ValueError):
    """Refuse, and leave the caller's random state as it was."""
    state = torch.get_rng_state()
    message = refusal(lambda: GPT.from_pretrained_gpt2(folder), error=error)
    assert torch.equal(torch.get_rng_state(), state)
    return message


# --- what is loaded has the reference's logits ---


def nothing(folder):
    pass


def head_that_is_the_table(folder):
    reweigh(folder, lambda w: w | {"lm_head.weight": w["transformer.wte.weight"].clone()})


def head_instead_of_the_table(folder):
    def change(w):
        w["lm_head.weight"] = w.pop("transformer.wte.weight")

    reweigh(folder, change)


def old_names_and_masks(folder):
    def change(w):
        old = {name.removeprefix("transformer."): weight for name, weight in w.items()}
        mask = torch.ones(1, 1, CONTEXT, CONTEXT, dtype=torch.uint8).tril()
        return old | {"h.0.attn.bias": mask, "h.0.attn.masked_bias": torch.tensor(-1e4)}

    reweigh(folder, change)


def in_shards(folder):
    (folder / "model.safetensors").unlink()
    reference().save_pretrained(folder, max_shard_size="10KB")
    assert len(list(folder.glob("model-*-of-*.safetensors"))) > 2


def kind(dtype):
    return lambda folder: reweigh(folder, lambda w: {n: x.to(dtype) for n, x in w.items()})


def config(**changes):
    return lambda folder: configure(folder, **changes)


LOADED = {
    "as it is": nothing,
    "lm_head equal to wte": head_that_is_the_table,
    "lm_head without wte": head_instead_of_the_table,
    "old names and masks": old_names_and_masks,
    "shards": in_shards,
    "float16": kind(torch.float16),
    "bfloat16": kind(torch.bfloat16),
    "float64": kind(torch.float64),
    "upcast": config(reorder_and_upcast_attn=True),
    "n_inner": config(n_inner=4 * DIM),
    "n_ctx": config(n_ctx=CONTEXT),
    "dropout": config(resid_pdrop=0.5, attn_pdrop=0.5),
    "gelu_fast": config(activation_function="gelu_fast"),
    "gelu_pytorch_tanh": config(activation_function="gelu_pytorch_tanh"),
    "gelu_accurate": config(activation_function="gelu_accurate"),
    "sampling": config(task_specific_params={"text-generation": {"do_sample": True}}, top_k=3),
    "heads' other name": config(n_head=..., num_attention_heads=2),
    "two heads": config(n_head=2),
    "n_inner null": config(n_inner=None),
    "an unset key": config(something_new=None),
}


@pytest.mark.parametrize("change", LOADED.values(), ids=LOADED)
def test_what_is_loaded_has_the_references_logits(folder, change):
    """stanford-crfm/mistral#83, TensorRT-LLM#3324, flash-attention PR#2778: the other side."""
    change(folder)
    torch.manual_seed(5)
    state = torch.get_rng_state()
    found = logits(folder)
    assert torch.equal(torch.get_rng_state(), state)
    assert (found - expected(folder)).abs().max() < 1e-4 * found.abs().max()


def test_shards_are_found_by_their_index_and_by_a_path_of_any_kind(folder):
    right = logits(folder)
    assert torch.equal(logits(str(folder)), right)
    assert torch.equal(logits(folder / "model.safetensors"), right)
    in_shards(folder)
    assert torch.equal(logits(folder / "model.safetensors.index.json"), right)


def test_a_mark_before_the_config_changes_nothing(folder):
    right, file = logits(folder), folder / "config.json"
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert torch.equal(logits(folder), right)


def test_a_loaded_model_does_not_hang_on_its_file(folder):
    model = GPT.from_pretrained_gpt2(folder)
    before = model(TOKENS)
    file = folder / "model.safetensors"
    file.write_bytes(bytes(file.stat().st_size))
    assert torch.equal(model(TOKENS), before)


def test_a_released_size_needs_no_config(tmp_path):
    reference = transformers.GPT2LMHeadModel(
        transformers.GPT2Config(vocab_size=7, n_positions=4, n_layer=1, bos_token_id=0)
    )
    reference.eval().save_pretrained(tmp_path)
    (tmp_path / "config.json").unlink()
    found = GPT.from_pretrained_gpt2(tmp_path)
    assert found.config == GPTConfig(7, 4, 768, 12, 1)
    ids = torch.arange(4)[None]
    torch.testing.assert_close(found(ids), reference(ids).logits, rtol=1e-4, atol=1e-4)


# --- what config.json says and the course's GPT does not compute ---

CONFIGS = [
    ({"scale_attn_by_inverse_layer_idx": True}, "scale_attn_by_inverse_layer_idx is true"),
    ({"scale_attn_weights": False}, "scale_attn_weights is false"),
    ({"scale_attn_weights": None}, "scale_attn_weights is null"),
    ({"scale_attn_weights": "true"}, "scale_attn_weights"),
    ({"activation_function": "gelu"}, 'activation_function is "gelu"'),
    ({"activation_function": "relu"}, "activation_function"),
    ({"activation_function": None}, "activation_function"),
    ({"layer_norm_epsilon": 1e-6}, "layer_norm_epsilon is 1e-06"),
    ({"layer_norm_epsilon": "1e-5"}, "layer_norm_epsilon"),
    ({"n_inner": 32}, "n_inner is 32"),
    ({"add_cross_attention": True}, "add_cross_attention"),
    ({"tie_word_embeddings": False}, "tie_word_embeddings is false"),
    ({"model_type": "gpt_neo"}, 'model_type is "gpt_neo"'),
    ({"model_type": 3}, "model_type"),
    ({"architectures": ["GPT2ForSequenceClassification"]}, "GPT2ForSequenceClassification"),
    ({"architectures": "OpenAIGPTLMHeadModel"}, "OpenAIGPTLMHeadModel"),
    ({"quantization_config": {"load_in_8bit": True}}, "quantization_config"),
    ({"auto_map": {"AutoModel": "mine.Model"}}, "auto_map"),
    ({"pruned_heads": {"0": [1]}}, "pruned_heads"),
    ({"is_causal": False}, "is_causal is false"),
    ({"n_positions": 16}, "n_positions is 16, the weights have 32"),
    ({"n_ctx": 64}, "n_ctx is 64"),
    ({"n_embd": 32}, "n_embd is 32, the weights have 16"),
    ({"n_layer": 2}, "n_layer is 2, the weights have 3"),
    ({"n_layer": "3"}, "n_layer"),
    ({"vocab_size": 64}, "vocab_size is 64, the weights have 65"),
    ({"hidden_size": 8}, "hidden_size is 8"),
    ({"alibi": True}, "the key 'alibi' is not known"),
    ({"sliding_window": 4}, "sliding_window"),
    ({"n_head": ...}, "lacks n_head"),
    ({"n_head": 3}, "n_embd 16 cannot be shared evenly by n_head 3"),
    ({"n_head": 0}, "n_head must be a positive whole number; got 0"),
    ({"n_head": -4}, "got -4"),
    ({"n_head": 4.0}, "got 4.0"),
    ({"n_head": "4"}, "got '4'"),
    ({"n_head": True}, "got True"),
    ({"n_head": None}, "got None"),
    ({"n_head": [4]}, "n_head"),
    ({"num_attention_heads": 2}, "disagrees with itself"),
    ({key: 1 for key in "abcdefg"}, "and 2 more faults"),
]


@pytest.mark.parametrize(("changes", "says"), CONFIGS)
def test_a_config_of_another_model_is_refused_by_its_key(folder, changes, says):
    """stanford-crfm/mistral#83, nanoGPT#272."""
    configure(folder, **changes)
    message = refused(folder)
    assert says in message
    assert "config.json" in message


SETTINGS = [
    (b"", "is empty"),
    (b" \n", "is empty"),
    (b'{"n_head": 4', "is not a JSON file"),
    (b"[4]", "must hold a JSON object"),
    (b"null", "must hold a JSON object"),
    (b'{"n_head": 4, "n_head": 2}', "names the key 'n_head' twice"),
    (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "git lfs pull"),
    (b"<!DOCTYPE html><html></html>", "a page of the web"),
    ('{"n_head": 4}'.encode("utf-16"), "is not a JSON file"),
    (b"[" * 100_000, "is not a JSON file"),
    (b'{"n_head": 1' + b"0" * 5000 + b"}", "is not a JSON file"),
]


@pytest.mark.parametrize(("data", "says"), SETTINGS, ids=range(len(SETTINGS)))
def test_a_config_that_cannot_be_read_is_named(folder, data, says):
    """nanoGPT#272: JSONDecodeError without the file's name."""
    (folder / "config.json").write_bytes(data)
    message = refused(folder)
    assert says in message
    assert "config.json" in message


def test_a_config_that_is_a_folder_or_a_broken_link(folder):
    (folder / "config.json").unlink()
    assert "the weights do not show the number of heads" in refused(folder)
    (folder / "config.json").mkdir()
    assert "cannot be read" in refused(folder)
    (folder / "config.json").rmdir()
    (folder / "config.json").symlink_to(folder / "nowhere")
    assert "cannot be read" in refused(folder)


JSON = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 70), st.floats(), st.text(max_size=5),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=2), st.none(), max_size=2),
)  # fmt: skip
SAME = {  # values with which the model is as it was
    "scale_attn_weights": [True], "scale_attn_by_inverse_layer_idx": [False],
    "add_cross_attention": [False], "tie_word_embeddings": [True], "n_inner": [None, 4 * DIM],
    "layer_norm_epsilon": [1e-5], "quantization_config": [None], "vocab_size": [VOCAB],
    "n_positions": [CONTEXT], "n_embd": [DIM], "n_layer": [DEPTH], "n_head": [1, 2, 4, 8, 16],
    "activation_function": ["gelu_new"], "model_type": ["gpt2"], "architectures": [None, [], {}],
    "pruned_heads": [None, {}], "is_causal": [True], "unheard_of": [None],
}  # fmt: skip


@given(key=st.sampled_from(sorted(SAME)), value=JSON)
def test_any_value_is_the_models_own_or_refused_by_its_key(saved, key, value):
    settings = json.loads((saved / "config.json").read_text("utf-8")) | {key: value}
    if any(value == same for same in SAME[key]) and not (key in SIZES and isinstance(value, bool)):
        return
    with patch("lecture_utils.models.gpt2_settings.read_object", return_value=settings):
        assert key in refused(saved)


SIZES = ("vocab_size", "n_positions", "n_embd", "n_layer", "n_head", "n_inner")


# --- weights ---


def without(name):
    return lambda w: {n: x for n, x in w.items() if name not in n}


def plus(**more):
    return lambda w: w | {name.replace("__", "."): weight for name, weight in more.items()}


def renamed(before):
    return lambda w: {before + n: x for n, x in w.items()}


def first(name, value):
    def change(w):
        w[name].flatten()[:1] = value

    return change


TABLE = "transformer.wte.weight"
WEIGHTS = [
    (lambda w: w | {"lm_head.weight": w[TABLE] + 1}, "lm_head.weight (65, 16) differs from"),
    (plus(lm_head__weight=torch.ones(7, 3)), "lm_head.weight (7, 3) differs from"),
    (plus(transformer__lm_head__weight=torch.ones(7, 3)), "differs from"),
    (plus(score__weight=torch.ones(2, DIM)), "adds score.weight"),
    (plus(lm_head__bias=torch.ones(VOCAB)), "adds lm_head.bias"),
    (lambda w: w | {"wte.weight": w[TABLE].clone()}, "holds tokens.weight twice"),
    (plus(h__0__attn__bias=torch.ones(3 * DIM)), "adds h.0.attn.bias"),
    (lambda w: w | {"h.9.ln_1.bias": torch.ones(DIM)}, "lacks blocks.3"),
    (lambda w: w | {"h.999999999.ln_1.bias": torch.ones(DIM)}, "lacks blocks.3"),
    (lambda w: w | {"h.01.ln_1.bias": torch.ones(DIM)}, "adds h.01.ln_1.bias"),
    (without("h.1."), "lacks blocks.1"),
    (without("wpe"), "lacks the weight positions.weight"),
    (without("ln_f.bias"), "lacks final_norm.bias"),
    (renamed("module."), 'its names begin with "module."'),
    (renamed("_orig_mod."), 'its names begin with "_orig_mod."'),
    (lambda w: {n: x.mul(9).to(torch.int8) for n, x in w.items()}, "type I8"),
    (lambda w: {n: x.to(torch.float8_e4m3fn) for n, x in w.items()}, "type F8_E4M3"),
    (lambda w: {n: x.bool() for n, x in w.items()}, "type BOOL"),
    (lambda w: {n: x.to(torch.int64) for n, x in w.items()}, "type I64"),
    (first(TABLE, float("nan")), "wte.weight holds 1 NaN or infinite of 1040 values"),
    (first("transformer.h.2.mlp.c_fc.weight", float("inf")), "h.2.mlp.c_fc.weight holds 1 NaN"),
    (lambda w: w | {TABLE: torch.full((65, 16), 1e300, dtype=torch.float64)}, "as float32"),
    (lambda w: w | {TABLE: w[TABLE].flatten()}, "tokens.weight of shape (1040,)"),
    (lambda w: w | {TABLE: torch.ones(0, DIM)}, "tokens.weight of shape (0, 16)"),
    (lambda w: w | {TABLE: torch.ones(1, 100_000)}, "n_embd is 16, the weights have 100000"),
    (lambda w: {n: x.T if x.dim() == 2 and "h." in n else x for n, x in w.items()}, "of shape"),
    (lambda w: {"x": torch.ones(1)}, "is it a GPT-2 checkpoint?"),
]


@pytest.mark.parametrize(("change", "says"), WEIGHTS, ids=range(len(WEIGHTS)))
def test_weights_of_another_model_are_refused_by_name(folder, change, says):
    """TensorRT-LLM#3324."""
    reweigh(folder, change)
    message = refused(folder)
    assert says in message
    assert "model.safetensors" in message or "config.json" in message


# --- other files ---


def zipped(**files):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "/"), text)
    return held.getvalue()


def tarred():
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("weights"))
    return held.getvalue()


def torch_saved(**options):
    held = io.BytesIO()
    torch.save({"a": torch.ones(1)}, held, **options)
    return held.getvalue()


class Trap:
    def __reduce__(self):
        return (pytest.fail, ("the pickle was opened",))


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 548105171\n"
FILES = {
    "empty": (b"", "is empty"),
    "pointer": (POINTER, "git lfs pull"),
    "zip": (zipped(a="b"), "a zip archive; unpack it first"),
    "npz": (zipped(**{"a.npy": "b"}), "NumPy arrays"),
    "gzip": (gzip.compress(b"weights"), "a gzip archive; unpack it first"),
    "bzip2": (bz2.compress(b"weights"), "a bzip2 archive"),
    "tar": (tarred(), "a tar archive"),
    "pickle": (pickle.dumps(Trap()), "a pickle, as torch.save writes it"),
    "torch.save": (torch_saved(), "weights_only=True"),
    "old torch.save": (torch_saved(_use_new_zipfile_serialization=False), "a pickle"),
    "HDF5": (b"\x89HDF\r\n\x1a\n" + bytes(99), "an HDF5 file"),
    "GGUF": (b"GGUF\3\0\0\0", "a GGUF file"),
    "page": (b"<!DOCTYPE html>\n<html>", "a page of the web"),
    "words": (b"no such format", "not a safetensors file"),
    "json": (b'{"a": 1}', "not a safetensors file"),
    "one byte": (b"\0", "not a safetensors file"),
    "zeros": (bytes(500), "not a safetensors file"),
    "huge header": (b"\xff" * 8 + b"{}", "not a safetensors file"),
}


@pytest.mark.parametrize(("data", "says"), FILES.values(), ids=FILES)
def test_another_file_is_refused_with_what_it_is(folder, data, says):
    """nanoGPT#272; a pickle is never opened."""
    (folder / "model.safetensors").write_bytes(data)
    assert says in refused(folder)
    path = folder / "model.bin"
    path.write_bytes(data)
    assert says in refused(path)


def only(*names):
    def change(folder):
        (folder / "model.safetensors").unlink()
        for name in names:
            (folder / name).write_bytes(pickle.dumps(Trap()))

    return change


def two_checkpoints(folder):
    (folder / "model.safetensors.index.json").write_text('{"weight_map": {}}')


def adapter(folder):
    (folder / "adapter_config.json").write_text("{}")


def index(places):
    def change(folder):
        in_shards(folder)
        (folder / "model.safetensors.index.json").write_text(json.dumps(places), "utf-8")

    return change


def swapped(folder):
    in_shards(folder)
    one, other, *_ = sorted(folder.glob("model-*-of-*.safetensors"))
    data = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(data)


FOLDERS = [
    (only("pytorch_model.bin"), "but pytorch_model.bin: a pickle"),
    (only("model.ckpt", "a.pt"), "a.pt, model.ckpt"),
    (only("pytorch_model.bin.index.json"), "pytorch_model.bin.index.json"),
    (only("tf_model.h5"), "but tf_model.h5"),
    (only("gpt2.zip"), "but gpt2.zip"),
    (only("small.safetensors", "large.safetensors"), "large.safetensors, small.safetensors; give"),
    (two_checkpoints, "two checkpoints"),
    (adapter, "an adapter (adapter_config.json)"),
    (index([]), "must hold a JSON object"),
    (index({}), 'has no "weight_map"'),
    (index({"weight_map": []}), 'has no "weight_map"'),
    (index({"weight_map": {"wte.weight": 3}}), "for wte.weight it names 3"),
    (index({"weight_map": {"wte.weight": "../x.safetensors"}}), "'../x.safetensors'"),
    (index({"weight_map": {"wte.weight": "pytorch_model.bin"}}), "'pytorch_model.bin'"),
    (swapped, "it does not fit the index of the shards"),
]


@pytest.mark.parametrize(("change", "says"), FOLDERS, ids=range(len(FOLDERS)))
def test_a_folder_of_another_kind_is_refused_with_the_way_out(folder, change, says):
    """flash-attention PR#2778, nanoGPT#272."""
    change(folder)
    assert says in refused(folder)


def test_a_shard_alone_and_a_shard_that_is_missing(folder):
    in_shards(folder)
    shard = min(folder.glob("model-*-of-*.safetensors"))
    assert "is one shard of" in refused(shard)
    shard.unlink()
    assert shard.name in refused(folder, error=FileNotFoundError)


def test_where_no_checkpoint_is(folder, tmp_path):
    for path in (tmp_path / "nothing", "gpt2-of-nobody", "openai-community/gpt2"):
        assert "nothing is downloaded" in refused(path, error=FileNotFoundError)
    assert "checkpoints in its folders gpt2" in refused(tmp_path, error=FileNotFoundError)


@pytest.mark.parametrize("path", [None, 3, True, b"gpt2", ["gpt2"], "", " ", "a\0b", io.BytesIO()])
def test_what_is_no_path(path):
    assert "path must be the path of" in refused(path)
    if path is not None:
        assert "path must be the path of" in refusal(lambda: corpus(path))


@pytest.mark.parametrize("cls", [None, "GPT", torch.nn.Linear, torch.nn.Identity, GPTConfig])
def test_what_is_no_class_of_a_gpt(folder, cls):
    refusal(lambda: load_gpt2(cls, folder))


@given(share=st.floats(0, 1, exclude_max=True))
def test_a_truncated_file_is_refused(saved, tmp_path_factory, share):
    data = (saved / "model.safetensors").read_bytes()
    file = tmp_path_factory.mktemp("cut") / "model.safetensors"
    file.write_bytes(data[: int(share * len(data))])
    assert "safetensors" in refused(file)


@given(data=st.data())
def test_a_damaged_header_is_refused_or_changes_nothing(saved, tmp_path_factory, data):
    file = saved / "model.safetensors"
    stored = bytearray(file.read_bytes())
    place = data.draw(st.integers(0, 7 + int.from_bytes(stored[:8], "little")))
    stored[place] ^= 1 << data.draw(st.integers(0, 7))
    folder = tmp_path_factory.mktemp("damaged")
    (folder / "model.safetensors").write_bytes(stored)
    shutil.copy(saved / "config.json", folder)
    try:
        found = logits(folder)
    except ValueError:
        refused(folder)
    else:
        assert torch.equal(found, logits(saved))


@given(data=st.binary(max_size=600))
def test_random_bytes_are_no_checkpoint(tmp_path_factory, data):
    file = tmp_path_factory.mktemp("bytes") / "model.safetensors"
    file.write_bytes(data)
    assert "safetensors" in refused(file)


# --- texts ---

LETTERS = st.characters(
    exclude_categories=("Cs", "Cc"),
    exclude_characters="\ufeff\ufffe\uffff",
    include_characters="\t",
)
TEXTS = st.lists(st.text(LETTERS, max_size=20), min_size=1, max_size=4)


def text_file(folder, data):
    path = folder / "mine.txt"
    path.write_bytes(data)
    return path


@given(lines=TEXTS, end=st.sampled_from(["\n", "\r\n", "\r"]), mark=st.sampled_from(["", "\ufeff"]))
def test_a_text_is_read_as_it_is(tmp_path_factory, lines, end, mark):
    """NVDLI/LDL#3: a mark is no letter. All line ends become one."""
    lines = [*lines, "word"]
    path = text_file(tmp_path_factory.mktemp("text"), (mark + end.join(lines)).encode())
    assert corpus(path) == "\n".join(lines)


def test_marks_are_removed_where_files_were_joined(tmp_path):
    """NVDLI/LDL#3: 19 letters, not 20."""
    text = "The quick brown fox"
    assert corpus(text_file(tmp_path, text.encode("utf-8-sig"))) == text
    joined = b"\xef\xbb\xbfone\n\xef\xbb\xbftwo"
    assert corpus(text_file(tmp_path, joined)) == "one\ntwo"


ASCII = st.characters(min_codepoint=32, max_codepoint=126)


@given(
    lines=st.lists(st.text(ASCII, min_size=2), min_size=1),
    coding=st.sampled_from(["utf-16", "utf-32"]),
    order=st.sampled_from(["", "-le", "-be"]),
)  # fmt: skip
def test_a_wider_encoding_is_named(tmp_path_factory, lines, coding, order):
    """sentencepiece#331: every second character NUL."""
    path = text_file(tmp_path_factory.mktemp("wide"), "\n".join(lines).encode(coding + order))
    assert f"it looks like {coding.upper()} text" in refusal(lambda: corpus(path))


@given(before=st.text(LETTERS), after=st.text(LETTERS), control=st.integers(0, 31))
def test_a_control_character_is_refused(tmp_path_factory, before, after, control):
    path = text_file(tmp_path_factory.mktemp("odd"), (before + chr(control) + after).encode())
    if chr(control) in "\t\n\v\f\r":
        return
    assert "is not UTF-8 text" in refusal(lambda: corpus(path))


TEXT_FILES = {
    "NUL": (b"a\0b", "a binary file (it holds bytes of 0)"),
    "Latin-1": ("Grüße aus Köln".encode("latin-1"), "older encoding (Latin-1, Windows-1252)"),
    "Latin-1 at the end": ("café".encode("latin-1"), "or one that was cut off"),
    "cut": ("Grüß".encode()[:-1], "or one that was cut off"),
    "misread": ("don’t".encode("cp1252").decode("latin-1").encode(), "U+0092, in line 1"),
    "escape": (b"one\n\x1b[31mred", "U+001B, in line 2"),
    "gzip": (gzip.compress(b"text" * 9), "a gzip archive; unpack it first"),
    "bzip2": (bz2.compress(b"text" * 9), "a bzip2 archive"),
    "tar": (tarred(), "a tar archive"),
    "zip": (zipped(a="b"), "a zip archive"),
    "docx": (zipped(**{"[Content_Types].xml": "", "word__document.xml": ""}), "an Office document"),
    "PDF of letters": (b"%PDF-1.4\n1 0 obj\n", "a PDF"),
    "PDF": (b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", "a PDF"),
    "RTF": (b"{\\rtf1 words}", "an RTF document"),
    "PNG": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a PNG picture"),
    "pickle": (pickle.dumps([1]), "a pickle"),
    "weights": (save({"a": torch.ones(2)}), "a binary file"),
    "pointer": (POINTER, "git lfs pull"),
    "empty": (b"", "is empty"),
    "marks": (b"\xef\xbb\xbf" * 3, "is empty"),
    "spaces": (b" \t\r\n\xc2\xa0", "is empty"),
    "unseen": ("\u200b\u200d\n".encode(), "is empty"),
}


@pytest.mark.parametrize(("data", "says"), TEXT_FILES.values(), ids=TEXT_FILES)
def test_what_is_no_text(tmp_path, data, says):
    """NVDLI/LDL#3, sentencepiece#331."""
    path = text_file(tmp_path, data)
    message = refusal(lambda: corpus(path))
    assert says in message
    assert "mine.txt" in message


@pytest.mark.parametrize(
    "text", ["GGUF is a format", "GIF89a", "PK", "ID3", '{"cells": []}', "a\fb"]
)
def test_a_text_may_begin_like_another_file(tmp_path, text):
    assert corpus(text_file(tmp_path, text.encode())) == text


def test_where_no_text_is(tmp_path):
    for path in (tmp_path, tmp_path / "missing", "/dev/null", "x" * 5000):
        refusal(lambda path=path: corpus(path), error=FileNotFoundError)
    assert "that is a folder" in refusal(lambda: corpus(tmp_path), error=FileNotFoundError)
