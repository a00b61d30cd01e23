"""The blocks equal the implementations that people use: PyTorch's, and Hugging Face's.

Everything starts from random weights; nothing is downloaded. Inputs are large enough for the two
forms of GELU to differ by far more than the tolerance, and norms have gains and biases.
"""

import math

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional as F
from transformers.models.bert.modeling_bert import BertLayer as ReferenceBertLayer
from transformers.models.gpt2.modeling_gpt2 import GPT2Block as ReferenceGPT2Block

from lecture_utils.models import (
    GPT,
    BertLayer,
    GPTBlock,
    GPTConfig,
    TransformerBlock,
)

BATCH, TIME, DIM, HIDDEN, HEADS = 3, 7, 16, 64, 4
TOLERANCE = {torch.float32: 5e-6, torch.float64: 1e-12}
dtypes = pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["f32", "f64"])
IN_BLOCK = {
    "attention.branch.qkv": "attn.c_attn",
    "attention.branch.out": "attn.c_proj",
    "attention.norm_in": "ln_1",
    "feed_forward.branch.expand": "mlp.c_fc",
    "feed_forward.branch.contract": "mlp.c_proj",
    "feed_forward.norm_in": "ln_2",
}
BERT = {
    "attention.query": "attention.self.query",
    "attention.key": "attention.self.key",
    "attention.value": "attention.self.value",
    "attention.out": "attention.output.dense",
    "norm_1": "attention.output.LayerNorm",
    "feed_forward.expand": "intermediate.dense",
    "feed_forward.contract": "output.dense",
    "norm_2": "output.LayerNorm",
}
WIRING = {"post": "norm_sum", "pre": "norm_in"}


def lively(module, dtype, seed=0):
    """Give every weight of a reference a value that matters: no zeros, no ones."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            noise = torch.randn_like(parameter)
            scale = 1.5 / math.sqrt(DIM) if parameter.dim() == 2 else 0.3
            parameter.copy_(scale * noise if parameter.dim() == 2 else parameter + scale * noise)
    return module.to(dtype).eval()


def padding():
    mask = torch.zeros(BATCH, TIME, dtype=torch.bool)
    mask[0, 5:] = mask[2, 1:] = True
    return mask


def difference(ours, ours_in, reference, reference_in, pairs):
    """Largest difference of outputs, input gradients and each pair of weight gradients."""
    torch.manual_seed(1)
    probe = torch.randn_like(ours)
    (ours * probe).sum().backward()
    (reference * probe).sum().backward()
    found = [ours - reference, ours_in.grad - reference_in.grad]
    found += [mine.grad - theirs for mine, theirs in pairs()]
    size = max(1.0, ours_in.grad.abs().max().item(), *(m.grad.abs().max() for m, _ in pairs()))
    return max(part.abs().max().item() for part in found) / size


def inputs(dtype):
    torch.manual_seed(2)
    x = 2 * torch.randn(BATCH, TIME, DIM, dtype=dtype)
    return x.clone().requires_grad_(), x.clone().requires_grad_()


def reference_bert(dtype):
    config = transformers.BertConfig(
        hidden_size=DIM, intermediate_size=HIDDEN, num_attention_heads=HEADS, num_hidden_layers=1
    )
    config._attn_implementation = "eager"
    return lively(ReferenceBertLayer(config), dtype)


def copied_bert(reference, make=BertLayer):
    ours = make(DIM, HIDDEN, HEADS).to(next(reference.parameters()).dtype).eval()
    for mine, theirs in BERT.items():
        ours.get_submodule(mine).load_state_dict(reference.get_submodule(theirs).state_dict())
    return ours


def bert_difference(dtype, mask, make=BertLayer):
    reference = reference_bert(dtype)
    ours, (x, z) = copied_bert(reference, make), inputs(dtype)
    hidden = torch.zeros(BATCH, 1, 1, TIME, dtype=dtype)
    if mask is not None:
        hidden = hidden.masked_fill(mask[:, None, None], torch.finfo(dtype).min)

    def pairs():
        for mine, theirs in BERT.items():
            one, other = ours.get_submodule(mine), reference.get_submodule(theirs)
            yield from zip(one.parameters(), (p.grad for p in other.parameters()), strict=True)

    found = reference(z, attention_mask=hidden)
    return difference(ours(x, mask), x, found if torch.is_tensor(found) else found[0], z, pairs)


@dtypes
@pytest.mark.parametrize("mask", [None, padding()], ids=["no mask", "padding"])
def test_bert_layer_equals_hugging_faces(dtype, mask):
    assert bert_difference(dtype, mask) < TOLERANCE[dtype]


def with_tanh_gelu(*sizes):
    layer = BertLayer(*sizes)
    layer.feed_forward.phi = nn.GELU(approximate="tanh")
    return layer


def with_large_eps(*sizes):
    return BertLayer(*sizes, eps=1e-5)


@pytest.mark.parametrize(
    ("make", "dtype"), [(with_tanh_gelu, torch.float32), (with_large_eps, torch.float64)]
)
def test_a_small_slip_is_seen(make, dtype):
    assert bert_difference(dtype, padding(), make) > 4 * TOLERANCE[dtype]


def test_bert_base_has_its_number_of_parameters():
    with torch.device("meta"):
        assert sum(p.numel() for p in BertLayer(768, 3072, 12).parameters()) == 7_087_872


def torch_names(norm):
    """Our name of a module by its name in nn.TransformerEncoderLayer."""
    return {
        "self_attn.out_proj": "attention.branch.out",
        "linear1": "feed_forward.branch.expand",
        "linear2": "feed_forward.branch.contract",
        "norm1": f"attention.{WIRING[norm]}",
        "norm2": f"feed_forward.{WIRING[norm]}",
    }


@dtypes
@pytest.mark.parametrize("norm", WIRING)
@pytest.mark.parametrize("activation", ["gelu", "relu"])
@pytest.mark.parametrize("mask", [None, padding()], ids=["no mask", "padding"])
def test_block_equals_pytorchs(dtype, norm, activation, mask):
    layer = nn.TransformerEncoderLayer(
        DIM, HEADS, HIDDEN, 0.0, activation, batch_first=True, norm_first=norm == "pre"
    )
    reference = lively(layer, dtype).train()  # in training mode: no fused path
    ours = TransformerBlock(DIM, HIDDEN, HEADS, norm=norm, activation=activation).to(dtype)
    attention = [getattr(ours.attention.branch, part) for part in ("query", "key", "value")]
    packed = reference.self_attn
    for part, weight, bias in zip(
        attention, packed.in_proj_weight.chunk(3), packed.in_proj_bias.chunk(3), strict=True
    ):
        part.load_state_dict({"weight": weight, "bias": bias})
    for theirs, mine in torch_names(norm).items():
        ours.get_submodule(mine).load_state_dict(reference.get_submodule(theirs).state_dict())

    def pairs():
        for theirs, mine in torch_names(norm).items():
            grads = (p.grad for p in reference.get_submodule(theirs).parameters())
            yield from zip(ours.get_submodule(mine).parameters(), grads, strict=True)
        weights, biases = packed.in_proj_weight.grad.chunk(3), packed.in_proj_bias.grad.chunk(3)
        for part, weight, bias in zip(attention, weights, biases, strict=True):
            yield from ((part.weight, weight), (part.bias, bias))

    x, z = inputs(dtype)
    found = difference(ours(x, mask), x, reference(z, src_key_padding_mask=mask), z, pairs)
    assert found < TOLERANCE[dtype]


def test_bert_layer_is_the_post_norm_block():
    torch.manual_seed(0)
    bert = BertLayer(DIM, HIDDEN, HEADS).eval()
    block = TransformerBlock(DIM, HIDDEN, HEADS, norm="post", eps=1e-12).eval()
    assert len(bert.state_dict()) == len(block.state_dict())
    block.attention.branch.load_state_dict(bert.attention.state_dict())
    block.feed_forward.branch.load_state_dict(bert.feed_forward.state_dict())
    block.attention.norm_sum.load_state_dict(bert.norm_1.state_dict())
    block.feed_forward.norm_sum.load_state_dict(bert.norm_2.state_dict())
    x = torch.randn(BATCH, TIME, DIM)
    assert torch.equal(bert(x, padding()), block(x, padding()))


def gpt2(dtype, depth=3):
    config = transformers.GPT2Config(
        vocab_size=65, n_positions=32, n_embd=DIM, n_layer=depth, n_head=HEADS,
        bos_token_id=0, eos_token_id=0,
    )  # fmt: skip
    config._attn_implementation = "sdpa"
    return lively(transformers.GPT2LMHeadModel(config), dtype)


OURS = GPTConfig(vocab_size=65, context=32, dim=DIM, num_heads=HEADS, depth=3)


def copy_linear(mine, theirs):
    """Copy a layer; GPT-2 keeps the matrices of its linear layers as (in, out)."""
    weight = theirs.weight.T if isinstance(mine, nn.Linear) else theirs.weight
    mine.load_state_dict({"weight": weight, "bias": theirs.bias})


def copied_block(reference, dtype):
    block = GPTBlock(OURS).to(dtype)
    for mine, theirs in IN_BLOCK.items():
        copy_linear(block.get_submodule(mine), reference.get_submodule(theirs))
    return block


def block_pairs(block, reference):
    for mine, theirs in IN_BLOCK.items():
        one, other = block.get_submodule(mine), reference.get_submodule(theirs)
        turned = other.weight.grad.T if isinstance(one, nn.Linear) else other.weight.grad
        yield from ((one.weight, turned), (one.bias, other.bias.grad))


@dtypes
def test_gpt_block_equals_hugging_faces(dtype):
    reference: ReferenceGPT2Block = gpt2(dtype).transformer.h[1]
    assert isinstance(reference, ReferenceGPT2Block)
    block, (x, z) = copied_block(reference, dtype), inputs(dtype)
    found = reference(z)
    found = found if torch.is_tensor(found) else found[0]
    pairs = lambda: block_pairs(block, reference)  # noqa: E731
    assert difference(block(x), x, found, z, pairs) < TOLERANCE[dtype]


def test_exact_gelu_in_a_gpt_block_is_seen():
    reference = gpt2(torch.float32).transformer.h[1]
    block, (x, z) = copied_block(reference, torch.float32), inputs(torch.float32)
    block.feed_forward.branch.phi = F.gelu
    found = reference(z)
    found = found if torch.is_tensor(found) else found[0]
    assert (block(x) - found).abs().max() > 4 * TOLERANCE[torch.float32]


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-10)], ids=["f32", "f64"]
)
def test_gpt_equals_hugging_faces(dtype, tolerance):
    reference = gpt2(dtype)
    ours, body = GPT(OURS).to(dtype), reference.transformer
    ours.tokens.load_state_dict(body.wte.state_dict())
    ours.positions.load_state_dict(body.wpe.state_dict())
    ours.final_norm.load_state_dict(body.ln_f.state_dict())
    for mine, theirs in zip(ours.blocks, body.h, strict=True):
        mine.load_state_dict(copied_block(theirs, dtype).state_dict())
    tokens = torch.randint(65, (BATCH, 32), generator=torch.Generator().manual_seed(0))
    logits, expected = ours(tokens), reference(tokens).logits
    assert logits.shape == (BATCH, 32, 65)
    for result in (logits, expected):
        F.cross_entropy(result[:, :-1].flatten(0, 1), tokens[:, 1:].flatten()).backward()
    pairs = [
        (ours.tokens.weight, body.wte.weight.grad),
        (ours.positions.weight, body.wpe.weight.grad),
        (ours.final_norm.weight, body.ln_f.weight.grad),
        (ours.final_norm.bias, body.ln_f.bias.grad),
        *(p for b, h in zip(ours.blocks, body.h, strict=True) for p in block_pairs(b, h)),
    ]
    assert len(pairs) == len(list(ours.parameters()))
    size = max(1.0, logits.abs().max().item())
    assert (logits - expected).abs().max() < tolerance * size
    assert max((mine.grad - theirs).abs().max() for mine, theirs in pairs) < tolerance


@pytest.fixture
def checkpoint(tmp_path):
    """A folder with a randomly initialised GPT-2, as the reference library writes it."""
    reference = gpt2(torch.float32)
    reference.save_pretrained(tmp_path)
    return tmp_path, reference


def test_reads_a_checkpoint_of_the_reference_library(checkpoint):
    folder, reference = checkpoint
    tokens = torch.arange(20).view(2, 10)
    for path in (folder, folder / "model.safetensors", str(folder)):
        model = GPT.from_pretrained_gpt2(path)
        assert (model(tokens) - reference(tokens).logits).abs().max() < 1e-4
        assert model.config == OURS
        assert not model.training


def test_reads_the_older_form_of_the_names(checkpoint):
    folder, _ = checkpoint
    expected = GPT.from_pretrained_gpt2(folder).state_dict()
    file = folder / "model.safetensors"
    old = {name.removeprefix("transformer."): w for name, w in load_file(file).items()}
    old |= {"h.0.attn.bias": torch.ones(1, 1, 4, 4), "h.2.attn.masked_bias": torch.tensor(-1e4)}
    save_file({name: w.half() for name, w in old.items()}, file)
    found = GPT.from_pretrained_gpt2(folder).state_dict()
    assert found.keys() == expected.keys()
    for name, weight in found.items():
        torch.testing.assert_close(weight, expected[name], rtol=1e-3, atol=1e-3)


def test_number_of_heads_without_a_config(checkpoint):
    folder, _ = checkpoint
    (folder / "config.json").unlink()
    with pytest.raises(ValueError, match="width of 16 is none of the released ones"):
        GPT.from_pretrained_gpt2(folder)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda w: w.pop("transformer.h.1.mlp.c_fc.bias"), "lacks blocks.1.feed_forward.branch.ex"),
        (lambda w: w.pop("transformer.wte.weight"), "lacks the weight tokens.weight"),
        (lambda w: w.update(extra=torch.ones(2)), "adds extra"),
        (lambda w: w.update({"transformer.h.0.attn.rotary.weight": torch.ones(2)}), "adds h.0.att"),
        (
            lambda w: w.update({"transformer.ln_f.bias": torch.ones(5)}),
            r"final_norm.bias of shape \(5,\), expected \(16,\)",
        ),
        (lambda w: [w.pop(n) for n in list(w) if "ln_" in n], "and 9 more faults"),
    ],
)
def test_a_checkpoint_that_does_not_fit_names_the_weight(checkpoint, change, says):
    folder, _ = checkpoint
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors")
    with pytest.raises(ValueError, match=says):
        GPT.from_pretrained_gpt2(folder)


def test_a_path_without_a_checkpoint(tmp_path):
    with pytest.raises(FileNotFoundError, match="no checkpoint at"):
        GPT.from_pretrained_gpt2(tmp_path / "missing")
    with pytest.raises(FileNotFoundError, match="no checkpoint at"):
        GPT.from_pretrained_gpt2(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"no such format")
    with pytest.raises(ValueError, match="not a safetensors file"):
        GPT.from_pretrained_gpt2(tmp_path)


def test_the_starting_weights_are_those_of_the_reference():
    torch.manual_seed(0)
    config = transformers.GPT2Config(
        vocab_size=500, n_positions=64, n_embd=64, n_layer=8, n_head=4, bos_token_id=0,
        eos_token_id=0,
    )  # fmt: skip
    reference = transformers.GPT2LMHeadModel(config).transformer.h
    ours = GPT(GPTConfig(500, 64, 64, 4, 8)).blocks
    for mine, theirs in IN_BLOCK.items():
        one = torch.cat([b.get_submodule(mine).weight.flatten() for b in ours])
        other = torch.cat([b.get_submodule(theirs).weight.flatten() for b in reference])
        assert one.std().item() == pytest.approx(other.std().item(), rel=0.02, abs=1e-6), mine


def test_names_cover_every_weight():
    assert len(IN_BLOCK) * 2 == len(list(GPTBlock(OURS).parameters()))
    assert len(BERT) * 2 == len(list(BertLayer(DIM, HIDDEN, HEADS).parameters()))
