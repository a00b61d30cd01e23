"""A model's config.json: counted as the reference library builds it, priced by hand and counter."""

import json
from dataclasses import replace

import ipywidgets as widgets
import pytest
import torch
import transformers
from properties.bad import refusal
from torch.utils.flop_counter import FlopCounterMode

from lecture_utils import plots
from lecture_utils.explorers import costs as explorer
from lecture_utils.explorers import draw_costs
from lecture_utils.practice import (
    MACHINES,
    USES,
    Machine,
    Shape,
    Wiring,
    activations,
    adapters,
    generation_hours,
    gpt2_block,
    hours,
    inference_flops,
    kv_cache,
    llama_block,
    memory,
    parameters,
    read_config,
    report,
    samples,
    this_machine,
    training_flops,
)
from lecture_utils.practice.families import FAMILIES
from lecture_utils.practice.reading import _SAMPLES
from lecture_utils.practice.report import between, digits, fits, span

HIDDEN = {
    "vocab_size": 96, "hidden_size": 48, "num_hidden_layers": 3, "num_attention_heads": 6,
    "intermediate_size": 80, "max_position_embeddings": 64,
}  # fmt: skip
GPT = {"vocab_size": 96, "n_embd": 48, "n_layer": 3, "n_head": 6, "n_positions": 64}
EXPERTS = {"num_experts": 5, "num_experts_per_tok": 2, "moe_intermediate_size": 56}
EXTRA = {
    "bert": {"type_vocab_size": 3},
    "gptj": {"rotary_dim": 4},
    "mixtral": {"num_local_experts": 5, "num_experts_per_tok": 2},
    "qwen2_moe": EXPERTS | {"shared_expert_intermediate_size": 40},
    "qwen3_moe": EXPERTS,
    "olmoe": {"num_experts": 5, "num_experts_per_tok": 2},
}


def tiny(kind, **given):
    """A small config of a family, with all that must be given."""
    family = FAMILIES[kind]
    sizes = GPT if "n_embd" in family.keys.values() else HIDDEN
    kv = {"num_key_value_heads": 2} if family.kv_heads else {}
    return {"model_type": kind} | sizes | kv | EXTRA.get(kind, {}) | given


def sample(name):
    return json.loads((_SAMPLES / f"{name}.json").read_text("utf-8"))


def built(config, device="meta"):
    """The reference library's model of a config; on the meta device there are only shapes."""
    left_out = ("model_type", "architectures", "auto_map")
    given = {"pad_token_id": 0}
    given |= {key: value for key, value in config.items() if key not in left_out}
    kind = config["model_type"]
    settings = transformers.AutoConfig.for_model(kind, **given)
    settings._attn_implementation = "eager"
    with torch.device(device):
        model = getattr(transformers, FAMILIES[kind].architecture)(settings)
    model.tie_weights()
    return model


def weights(model):
    return sum(weight.numel() for weight in model.parameters())  # a shared one counts once


# --- the count ---


@pytest.mark.parametrize("name", samples())
def test_a_samples_parameters_are_those_of_the_built_model(name):
    assert parameters(read_config(name)).total == weights(built(sample(name)))


OPTIONS = [
    ("", {}),
    ("tied or not", {"tie_word_embeddings": "other"}),
    ("attention_bias", {"attention_bias": True}),
    ("no attention_bias", {"attention_bias": False}),
    ("mlp_bias", {"mlp_bias": True}),
    ("head_dim", {"head_dim": 10}),
    ("qk norm", {"use_qk_norm": True}),
    ("in a row", {"use_parallel_residual": False}),
    ("n_inner", {"n_inner": 100}),
]


def asked(kind):
    """The options that change a family's count."""
    family = FAMILIES[kind]
    keys = {family.qkv_bias, family.out_bias, family.mlp_bias, family.qk_norm, family.parallel}
    keys |= {"tie_word_embeddings", *family.keys.values()}
    keys |= {"head_dim"} if family.kv_heads else set()
    for name, given in OPTIONS:
        if given.keys() <= keys - family.only.keys():
            if name == "tied or not":
                given = {"tie_word_embeddings": not family.tied}
            yield pytest.param(kind, given, id=f"{kind} {name}".strip())


@pytest.mark.parametrize(("kind", "given"), [case for kind in FAMILIES for case in asked(kind)])
def test_each_family_is_counted_with_each_option(kind, given):
    config = tiny(kind, **given)
    model = built(config)
    assert model.config.model_type == kind
    assert parameters(read_config(config)).total == weights(model)


def test_parts_are_those_of_the_built_model():
    config = tiny("gemma3_text", head_dim=10)
    count, model = parameters(read_config(config)), built(config)

    def of(*words):
        named = dict(model.named_parameters()).items()
        return sum(w.numel() for name, w in named if any(word in name for word in words))

    assert count.norms == of("norm")
    assert count.attention == of("_proj") - of("mlp")
    assert count.feed_forward == of("mlp")
    assert (count.embedding, count.head, count.positions) == (of("embed"), 0, 0)


def test_published_numbers():
    """Rounded as those who publish them round; where they were read stands in samples()."""

    def billions(count, places):
        return round(count / 1e9, places)

    found = {name: parameters(read_config(name)) for name in samples()}
    assert {name for name, said in samples().items() if said["published"]} == {
        "gemma-2-2b", "mixtral-8x7b", "pythia-1b", "qwen3-0.6b", "qwen3-30b-a3b"
    }  # fmt: skip
    assert found["gemma-2-2b"].total == 2_614_341_888
    mixtral, qwen, small = (found[n] for n in ("mixtral-8x7b", "qwen3-30b-a3b", "qwen3-0.6b"))
    assert (billions(mixtral.total, 0), billions(mixtral.active, 0)) == (47, 13)
    assert (int(qwen.total / 1e9), int(qwen.active / 1e9)) == (30, 3)
    assert (billions(small.total, 1), billions(small.total - small.embedding, 2)) == (0.6, 0.44)
    assert billions(found["pythia-1b"].total, 2) == 1.01


def test_blocks_by_formula():
    assert gpt2_block(768) == 7_087_872
    assert gpt2_block(1) == 25
    assert llama_block(4096, 14336, 32, 8) == 218_112_000
    assert "num_kv_heads" in refusal(lambda: llama_block(8, 8, 4, 3))
    assert "num_heads" in refusal(lambda: llama_block(8, 8, 3, 3))
    small, deep = (parameters(read_config(tiny("gpt2", n_layer=n))).total for n in (3, 4))
    assert deep - small == gpt2_block(48)
    small, deep = (
        parameters(read_config(tiny("llama", num_hidden_layers=n))).total for n in (3, 4)
    )
    assert deep - small == llama_block(48, 80, 6, 2)


def test_active_parameters_leave_out_the_experts_that_a_token_does_not_pass():
    shape = read_config(tiny("mixtral"))
    count = parameters(shape)
    assert count.total - count.active == 3 * (5 - 2) * 3 * 48 * 80
    dense = parameters(read_config(tiny("llama")))
    assert dense.active == dense.total


# --- the wiring ---


@pytest.mark.parametrize(
    ("name", "placement", "norm"),
    [
        ("gpt2", "pre-norm", "LayerNorm"),
        ("bert-base", "post-norm", "LayerNorm"),
        ("llama-3-8b", "pre-norm", "RMSNorm"),
        ("gemma-2-9b", "sandwich", "RMSNorm"),
        ("gemma-3-1b", "sandwich", "RMSNorm"),
        ("olmo-2-7b", "output norm", "RMSNorm"),
        ("pythia-1b", "parallel pre-norm", "LayerNorm"),
        ("gpt-j-6b", "parallel pre-norm", "LayerNorm"),
        ("aya-23-8b", "parallel pre-norm", "LayerNorm without bias"),
        ("granite-3.3-8b", "pre-norm, scaled branch", "RMSNorm"),
        ("mixtral-8x7b", "pre-norm", "RMSNorm"),
    ],
)
def test_wirings(name, placement, norm):
    wiring = read_config(name).wiring
    assert (wiring.placement, wiring.norm) == (placement, norm)
    assert wiring.sentence.startswith(f"{placement} with {norm}, {wiring.equation}: ")
    assert wiring.branch_factor == (0.22 if "scaled" in placement else 1)


def test_a_key_changes_the_wiring():
    assert read_config(tiny("gpt_neox")).wiring.placement == "parallel pre-norm"
    row = read_config(tiny("gpt_neox", use_parallel_residual=False))
    assert row.wiring.placement == "pre-norm"
    assert "0.5·F" in read_config(tiny("granite", residual_multiplier=0.5)).wiring.equation


WIRED = ("gpt2", "bert", "gptj", "gpt_neox", "phi", "llama", "granite", "gemma2", "gemma3_text",
         "glm4", "olmo2", "exaone4", "cohere")  # fmt: skip


@pytest.mark.parametrize("kind", WIRED)
def test_the_shortcut_of_the_built_block_passes_what_is_said(kind):
    """With branches that give nothing, a block is the identity; in post-norm, a norm."""
    config = tiny(kind, **({"residual_multiplier": 0.5} if kind == "granite" else {}))
    model = built(config, "cpu").eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if any(part in name for part in ("o_proj", "down_proj", "c_proj", "out_proj", "fc_out",
                                             "dense_4h_to_h", ".dense.", "fc2")):  # fmt: skip
                weight.zero_()
        states = model(torch.arange(5)[None], output_hidden_states=True).hidden_states
    unchanged = torch.equal(states[0], states[1])  # of the first block
    assert unchanged == (read_config(config).wiring.placement != "post-norm")


# --- FLOP ---


def counted(model, length, train=False):
    ids = torch.arange(length)[None] % 96
    with FlopCounterMode(display=False) as counter:
        logits = model(input_ids=ids).logits
        if train:
            logits.sum().backward()
    return counter.get_total_flops()


@pytest.mark.parametrize("kind", ["gpt2", "bert", "llama", "gemma2", "olmo2", "cohere", "phi"])
def test_flops_are_those_of_pytorchs_counter(kind):
    config = tiny(kind)
    shape, model = read_config(config), built(config, "cpu").train()
    for length in (8, 64):
        found = inference_flops(shape, length, length)
        assert counted(model, length) == pytest.approx(found, rel=0.02)
        found = training_flops(shape, length, length)
        assert counted(model, length, train=True) == pytest.approx(found, rel=0.02)


def test_lora_saves_the_gradients_of_the_weights():
    config = tiny("llama")
    shape, model = read_config(config), built(config, "cpu").train()
    model.requires_grad_(False)
    model.model.embed_tokens.requires_grad_()  # so that a gradient runs down to the first block
    found = training_flops(shape, 64, 64, "LoRA")
    assert counted(model, 64, train=True) == pytest.approx(found, rel=0.02)


def test_flops_by_hand():
    shape = read_config("gpt2")
    weights = 12 * 12 * 768**2 + 50257 * 768
    assert parameters(shape).matrices == weights
    assert training_flops(shape, 1000, 1024) == 1000 * (6 * weights + 12 * 12 * 768 * 1024)
    assert training_flops(shape, 1, 1, "LoRA") == 4 * weights + 12 * 12 * 768
    assert inference_flops(shape, 10, 100) == 10 * (2 * weights + 4 * 12 * 768 * 100)
    half = inference_flops(shape, 10, 100, causal=True)
    assert half == 10 * (2 * weights + 4 * 12 * 768 * 101 // 2)


def test_a_window_counts_the_pairs_in_it():
    """Three tokens, a window of two: 1 + 2 + 2 pairs, where all before are 1 + 2 + 3."""
    windowed = read_config(tiny("mistral", sliding_window=2))
    free = read_config(tiny("mistral", sliding_window=None))
    apart = inference_flops(free, 3, 3, causal=True) - inference_flops(windowed, 3, 3, causal=True)
    assert apart == 1 * 4 * 48 * 3
    assert inference_flops(free, 3, 3) == inference_flops(windowed, 3, 3)


# --- memory ---


def test_activations_are_korthikantis():
    shape = read_config("gpt2")
    a_layer = 1024 * 8 * 768 * (34 + 5 * 12 * 1024 / 768)
    assert activations(shape, 1024, 8, flash=False) == 12 * a_layer
    assert activations(shape, 1024, 8) == 12 * 1024 * 8 * 768 * 34
    again = activations(shape, 1024, 8, flash=False, recompute=True)
    assert again == 12 * 1024 * 8 * 768 * 2 + a_layer
    one = read_config(tiny("gpt2", n_layer=1))  # computing it again saves nothing
    assert activations(one, 64, recompute=True) == activations(one, 64)


def kept(model, ids):
    """Bytes that are saved for the backward pass, each storage once, weights left out."""
    own = {weight.untyped_storage().data_ptr() for weight in model.parameters()}
    found = {}

    def note(tensor):
        storage = tensor.untyped_storage()
        if tensor.numel() and storage.data_ptr() not in own:
            found[storage.data_ptr()] = (storage.nbytes(), storage)  # held, so that none is reused
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        model(inputs_embeds=ids, use_cache=False)
    return sum(size for size, _ in found.values())


@pytest.mark.parametrize(
    ("kind", "given"),
    [("gpt2", {"activation_function": "gelu"}), ("gpt2", {}), ("llama", {}), ("qwen3", {}),
     ("olmo2", {})],
    ids=lambda case: str(case),
)  # fmt: skip
def test_pytorch_keeps_1_to_1_7_times_the_activations_of_the_formula(kind, given):
    """Measured 1.11, 1.56, 1.20, 1.35, 1.47: gelu in pieces, and norms that copy to float32."""
    width, heads = (
        ("n_embd", "n_head") if kind == "gpt2" else ("hidden_size", "num_attention_heads")
    )
    place, layers = FAMILIES[kind].keys["context"], FAMILIES[kind].keys["depth"]
    given = given | {width: 128, heads: 4, place: 128}
    given |= {} if kind == "gpt2" else {"head_dim": 32, "intermediate_size": 384}
    took = []
    for depth in (2, 4):
        model = built(tiny(kind, **given, **{layers: depth}), "cpu")
        body = model.base_model.to(torch.bfloat16).train()
        took.append(kept(body, torch.ones(2, 128, 128, dtype=torch.bfloat16)))
    shape = read_config(tiny(kind, **given, **{layers: 2}))
    assert 1 <= (took[1] - took[0]) / activations(shape, 128, 2, flash=False) <= 1.7
    ends = memory(shape, "from scratch", 128, 2, flash=False).parts["activations"]
    assert ends[1] == 1.7 * activations(shape, 128, 2, flash=False)


def test_cache_by_hand():
    shape = read_config("llama-3-8b")
    assert kv_cache(shape, 1) == 2 * 32 * 8 * 128 * 2 == 131_072
    assert kv_cache(shape, 8192) == 1_073_741_824
    assert kv_cache(read_config("bert-base"), 512) == 0
    gemma = read_config("gemma-3-1b")  # 26 blocks, each sixth sees all, the others 512
    assert (gemma.window, gemma.windowed) == (512, 22)
    assert kv_cache(gemma, 4096) == 2 * 256 * 2 * (4 * 4096 + 22 * 512)


@pytest.mark.parametrize("kind", ["mistral", "qwen2", "gemma2", "gemma3_text", "cohere2", "olmo3",
                                  "exaone4", "phi3"])  # fmt: skip
def test_windows_are_in_the_blocks_that_the_library_gives_them(kind):
    given = {"sliding_window": 16, "num_hidden_layers": 13}
    given |= {"use_sliding_window": True, "max_window_layers": 5} if kind == "qwen2" else {}
    config = tiny(kind, **given)
    shape, theirs = read_config(config), built(config).config
    kinds = getattr(theirs, "layer_types", None)
    windowed = kinds.count("sliding_attention") if kinds else 13
    assert (shape.window, shape.windowed) == (16, windowed)
    if kinds:
        assert read_config(config | {"layer_types": kinds}).windowed == windowed
    if "sliding_window_pattern" in FAMILIES[kind].free:
        config |= {"sliding_window_pattern": 3}
        kinds = built(config).config.layer_types
        assert read_config(config).windowed == kinds.count("sliding_attention") == 9


def test_memory_by_hand():
    shape = read_config("llama-3-8b")
    count = parameters(shape).total
    whole = memory(shape, "full fine-tuning", 512)
    state = [
        sum(whole.parts[p][end] for p in ("weights", "gradients", "optimiser")) for end in (0, 1)
    ]
    assert state == [16 * count, 18 * count]
    assert memory(shape, "from scratch", 512).parts == whole.parts
    reading = memory(shape, "inference", 512)
    assert reading.parts["weights"] == (2 * count, 2 * count)
    assert reading.parts["key-value cache"] == (512 * 131_072,) * 2
    lora, small = memory(shape, "LoRA", 512), memory(shape, "QLoRA", 512)
    assert adapters(shape) == 32 * 16 * (2 * 8192 + 2 * 5120 + 3 * 18432) == 41_943_040
    assert lora.parts["optimiser"] == (12 * 41_943_040,) * 2
    blocks = 32 * (218_112_000 - 8192)
    low = (count - blocks) * 2 + blocks * 4.127 / 8 + 2 * 41_943_040
    assert small.parts["weights"][0] == pytest.approx(low)
    assert 5.7e9 < low < 5.9e9
    for use in USES:
        low, high = memory(shape, use, 512).total
        assert low <= high


# --- machines, report, explorer ---


def test_hours_by_hand():
    machine = Machine("m", 1e9, 1e12)
    assert hours(3.6e15, machine) == (2, 5)
    assert hours(3.6e15, machine, (1, 1)) == (1, 1)
    shape = read_config(tiny("llama"))
    slow = Machine("slow memory", 1e9, 1e15, 1e3)
    count, cache = parameters(shape).total, kv_cache(shape, 64)
    low, high = generation_hours(shape, slow, 100, 64)
    assert low == pytest.approx(100 * (2 * count + cache / 2) / 1e3 / 3600)
    assert high == pytest.approx(2 * low)
    fast = Machine("fast memory", 1e9, 1e3, 1e18)
    assert generation_hours(shape, fast, 100, 64) == hours(
        inference_flops(shape, 100, 64, causal=True), fast
    )


def test_machines_say_where_their_numbers_come_from():
    for machine in MACHINES.values():
        assert "2026" in machine.source
        assert machine.peak > machine.bandwidth > machine.memory
    mine = this_machine()
    assert 1e8 < mine.peak < 1e14
    assert 1e8 < mine.bandwidth < 1e13
    assert mine.memory > 1e9


def test_samples_say_where_they_were_read():
    assert len(samples()) >= 12
    for name, said in samples().items():
        assert all(said[key] for key in ("model", "source", "read"))
        assert read_config(name).name == said["model"]
    assert {f"{name}.json" for name in [*samples(), "index"]} == {
        p.name for p in _SAMPLES.iterdir()
    }


def test_a_report_of_the_readers_own_model(tmp_path):
    folder = tmp_path / "ours"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(tiny("gemma2")))
    for source in (folder, str(folder / "config.json")):
        page = report(source, "NVIDIA L4", batch=2)
        assert page._repr_markdown_() == str(page)
        assert "**ours** (gemma2): 3 blocks of width 48" in str(page)
        assert "sandwich with RMSNorm, x + norm(F(norm(x)))" in str(page)
        assert f"{parameters(page.shape).total:,}" in str(page)
        assert "2 texts of 64 tokens" in str(page)
        assert all(f"| {use} |" in str(page) for use in USES)
    assert read_config(tiny("gemma2")).name == "a model"


def test_a_report_says_what_fits():
    page = report("llama-3-8b", "RTX 4090")
    found = {use: fits(needed, page.machine) for use, needed in page.memory.items()}
    assert found == {"inference": "yes", "LoRA": "perhaps", "QLoRA": "perhaps",
                     "full fine-tuning": "no", "from scratch": "no"}  # fmt: skip
    assert page.hours["full fine-tuning"] > page.hours["LoRA"]
    assert "NVIDIA" in str(page)
    assert page.hours["inference"][1] > 20 * page.hours["inference"][0]  # writing takes longer
    low, high = report("bert-base", Machine("own", 1e10, 1e13)).hours["inference"]
    assert high == pytest.approx(2.5 * low)


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (lambda: span(0.01, 0.02), "0.6 to 1.2 minutes"),
        (lambda: span(2, 5), "2.0 to 5.0 hours"),
        (lambda: span(1200, 3000), "50 to 125 days"),
        (lambda: span(0.00001, 0.00002), "0.0006 to 0.001 minutes"),
        (lambda: between(16e9, 18e9), "16 to 18 GB"),
        (lambda: between(2.1e9, 2.1e9), "2.1 GB"),
        (lambda: between(0, 3.2e9), "0 to 3.2 GB"),
        (lambda: between(500e6, 3.2e12), "500 MB to 3.2 TB"),
        (lambda: digits(12345), "12,000"),
    ],
)
def test_numbers_as_a_reader_sees_them(said, text):
    assert said() == text


def test_every_control_of_the_explorer_changes_the_figure(monkeypatch):
    made = {}
    module = __import__("sys").modules["lecture_utils.explorers.costs"]
    monkeypatch.setattr(module, "connect", lambda draw, **controls: made.update(controls))
    explorer()
    ends = {}
    for name, control in made.items():
        if isinstance(control, widgets.Dropdown):
            ends[name] = (control.options[0], control.options[-1])
        else:
            assert isinstance(control, widgets.FloatLogSlider)
            ends[name] = tuple(int(control.base**k) for k in (control.min, control.max))
    pictures = {}
    for end in (0, 1):
        start = {name: values[end] for name, values in ends.items()}
        for name in (None, *ends):
            given = start | ({name: ends[name][1 - end]} if name else {})
            fig, alt = draw_costs(**given)
            pictures[end, name] = plots.picture(fig, alt)[0]["image/png"]
    short = start | {"model": "bert-base"}  # whose context is the shortest length of the slider
    for length in ends["length"]:
        fig, alt = draw_costs(**short | {"length": length})
        pictures["short", length] = plots.picture(fig, alt)[0]["image/png"]
    assert len(set(pictures.values())) == len(pictures) == 16
    refusal(lambda: draw_costs("gpt2", "LoRA", 8, 1, 10, "abacus"))
    refusal(lambda: draw_costs("gpt2", "LoRA", 0, 1, 10, "RTX 4090"))


# --- refusals ---

BAD = [
    (tiny("llama", model_type="mamba2"), "model_type 'mamba2'"),
    ({"hidden_size": 4}, "model_type"),
    (tiny("llama", model_type=None), "model_type"),
    ({"model_type": "gemma3", "text_config": {}}, "text_config"),
    (tiny("llama", hidden_size="4096"), "hidden_size"),
    (tiny("llama", hidden_size=4096.0), "hidden_size"),
    (tiny("llama", num_hidden_layers=True), "num_hidden_layers"),
    (tiny("llama", num_hidden_layers=0), "num_hidden_layers"),
    (tiny("llama", num_attention_heads=7), "num_attention_heads"),
    (tiny("llama", num_key_value_heads=4), "num_key_value_heads"),
    (tiny("llama", attention_bias="false"), "attention_bias"),
    (tiny("llama", tie_word_embeddings=1), "tie_word_embeddings"),
    (tiny("llama", sliding_window=4), "sliding_window"),
    (tiny("llama", num_experts=4), "num_experts"),
    (tiny("llama", quantization_config={"bits": 4}), "quantization_config"),
    (tiny("llama", pruned_heads={"0": [1]}), "pruned_heads"),
    (tiny("llama", auto_map={"AutoModel": "x.Y"}), "auto_map"),
    (tiny("llama", architectures=["LlamaForSequenceClassification"]), "architectures"),
    (tiny("llama", use_parallel_residual=True), "use_parallel_residual"),
    (tiny("mistral", num_key_value_heads=None), "num_key_value_heads"),
    (tiny("mistral", attention_bias=True), "attention_bias"),
    (tiny("phi3", mlp_bias=True), "mlp_bias"),
    (tiny("phi", qk_layernorm=True), "qk_layernorm"),
    (tiny("gpt2", add_cross_attention=True), "add_cross_attention"),
    (tiny("gpt2", n_ctx=32), "n_ctx"),
    (tiny("gpt2", hidden_size=48), "hidden_size"),
    (tiny("bert", position_embedding_type="relative_key"), "position_embedding_type"),
    (tiny("bert", type_vocab_size=None), "type_vocab_size"),
    (tiny("bert", is_decoder=True), "is_decoder"),
    (tiny("bert", tie_word_embeddings=False), "tie_word_embeddings"),
    (tiny("olmoe", head_dim=8), "head_dim"),
    (tiny("granite", residual_multiplier=float("nan")), "residual_multiplier"),
    (tiny("gemma2", layer_types=["full_attention"]), "layer_types"),
    (tiny("gemma2", layer_types=["linear_attention"] * 3), "layer_types"),
    (tiny("gemma2", sliding_window=None, layer_types=["sliding_attention"] * 3), "layer_types"),
    (tiny("gemma2", sliding_window_pattern=3), "sliding_window_pattern"),
    (tiny("gemma3_text", sliding_window=4, sliding_window_pattern=0), "sliding_window_pattern"),
    (tiny("gemma2", use_bidirectional_attention=True), "use_bidirectional_attention"),
    (tiny("qwen2", sliding_window=4, use_sliding_window=True), "max_window_layers"),
    (tiny("smollm3", use_sliding_window=True), "use_sliding_window"),
    (tiny("qwen3_moe", decoder_sparse_step=2), "decoder_sparse_step"),
    (tiny("qwen3_moe", mlp_only_layers=[0]), "mlp_only_layers"),
    (tiny("qwen3_moe", num_experts_per_tok=6), "num_experts_per_tok"),
    (tiny("mixtral", num_local_experts=1), "num_local_experts"),
]


@pytest.mark.parametrize(
    ("config", "names"), BAD, ids=[f"{c.get('model_type')} {n}" for c, n in BAD]
)
def test_what_is_not_understood_is_refused_by_name(config, names, tmp_path):
    assert names in refusal(lambda: read_config(config))
    file = tmp_path / "config.json"
    file.write_text(json.dumps(config))
    said = refusal(lambda: read_config(file))
    assert names in said
    assert str(file) in said


@pytest.mark.parametrize("kind", FAMILIES)
def test_every_size_must_be_given(kind):
    config = tiny(kind)
    read_config(config)
    free = {"n_inner"} if "n_inner" in FAMILIES[kind].keys.values() else set()
    free |= {"num_key_value_heads"} if FAMILIES[kind].kv_heads == "heads" else set()
    free |= {"rotary_dim"}
    free |= {"intermediate_size"} if "moe_intermediate_size" in config else set()
    for key in config.keys() - free:
        said = refusal(lambda key=key: read_config({k: v for k, v in config.items() if k != key}))
        assert key in said


def test_no_config_is_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    for name, text in (("a", ""), ("b", "[]"), ("c", '{"model_type": "gpt2", "model_type": 1}')):
        (tmp_path / name).write_text(text)
        assert str(tmp_path / name) in refusal(lambda name=name: read_config(tmp_path / name))
    for source in (None, 3, b"gpt2", "", "gpt5", tmp_path / "empty", tmp_path / "no", []):
        refusal(lambda source=source: read_config(source))
    assert "llama-3-8b" in refusal(lambda: read_config("llama-3"))


def test_a_folder_named_like_a_sample_is_not_mistaken_for_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gpt2").mkdir()
    (tmp_path / "gpt2" / "config.json").write_text(json.dumps(tiny("gpt2")))
    assert "./gpt2" in refusal(lambda: read_config("gpt2"))
    assert read_config("./gpt2").dim == read_config(tmp_path / "gpt2").dim == 48


def test_a_length_beyond_the_context_is_refused():
    shape = read_config("gpt2")
    for call in (
        lambda: training_flops(shape, 10, 1025),
        lambda: memory(shape, "LoRA", 1025),
        lambda: kv_cache(shape, 1025),
        lambda: report("gpt2", "RTX 4090", length=1025),
    ):
        said = refusal(call)
        assert "length" in said
        assert "1,024" in said


def test_a_shape_that_contradicts_itself_is_refused():
    shape = read_config(tiny("mistral", sliding_window=4))
    for field, value in (
        ("num_kv_heads", 4), ("windowed", 0), ("windowed", 4), ("window", None), ("experts", 0),
        ("active_experts", 2), ("gated", 1), ("wiring", "pre-norm"), ("name", ""), ("dim", 4.0),
    ):  # fmt: skip
        assert field in refusal(lambda field=field, value=value: replace(shape, **{field: value}))
    assert isinstance(shape, Shape)
    refusal(lambda: Wiring("in front", "RMSNorm"))
    refusal(lambda: Wiring("pre-norm", "BatchNorm"))
    assert "bandwidth" in refusal(lambda: generation_hours(shape, Machine("m", 1, 1), 1, 1))
    bert = read_config("bert-base")
    assert "writes no text" in refusal(lambda: generation_hours(bert, MACHINES["RTX 4090"], 1, 1))
