"""Saving: a GPT as transformers loads it, with equal logits; files whole or not at all."""

import errno
import json
import os
import re
import resource
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import pytest
import torch
import transformers
from properties.bad import refusal
from safetensors import safe_open
from torch import nn
from torch.nn.utils import prune

from lecture_utils.data import corpus
from lecture_utils.files import write_whole
from lecture_utils.models import GPT, FeedForward, GPTBlock, GPTConfig, TransformerBlock, save_gpt2

SMALL = GPTConfig(vocab_size=11, context=8, dim=16, num_heads=4, depth=3)
KINDS = {"float64": 1e-12, "float32": 1e-5, "bfloat16": 5e-2, "float16": 1e-2}


def gpt(config=SMALL, seed=0):
    """A GPT whose weights all matter, biases and norms too."""
    torch.manual_seed(seed)
    model = GPT(config)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.2 * torch.randn_like(weight))
    return model


def theirs(folder, auto=False):
    kind = transformers.AutoModelForCausalLM if auto else transformers.GPT2LMHeadModel
    model, report = kind.from_pretrained(folder, output_loading_info=True)
    assert not any(report[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    return model.eval()


def ids(config):
    draw = torch.Generator().manual_seed(0)
    return torch.randint(config.vocab_size, (3, config.context), generator=draw)


def apart(model, loaded):
    tokens = ids(model.config)
    with torch.no_grad():
        return (model.eval()(tokens) - loaded(tokens).logits).abs().max().item()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "gpt"


@pytest.mark.parametrize(
    "config",
    [
        SMALL,
        GPTConfig(vocab_size=1, context=1, dim=1, num_heads=1, depth=1),
        GPTConfig(vocab_size=103, context=64, dim=48, num_heads=3, depth=4),
        GPTConfig(vocab_size=257, context=33, dim=20, num_heads=20, depth=1),
        GPTConfig(vocab_size=50257, context=5, dim=8, num_heads=2, depth=11),
    ],
    ids=lambda config: f"{config.vocab_size}-{config.depth}",
)
def test_transformers_loads_it_with_equal_logits_and_we_read_the_same_bits(config, folder):
    model = gpt(config)
    model.save_gpt2(folder)
    assert sorted(os.listdir(folder)) == ["config.json", "model.safetensors"]
    for auto in (False, True):
        loaded = theirs(folder, auto)
        assert type(loaded) is transformers.GPT2LMHeadModel
        assert loaded.dtype == torch.float32
        assert apart(model, loaded) <= 1e-5
    back = GPT.from_pretrained_gpt2(folder)
    assert back.config == config
    for (name, ours), found in zip(
        model.state_dict().items(), back.state_dict().values(), strict=True
    ):
        assert torch.equal(ours, found), name


@pytest.mark.parametrize("kind", KINDS)
def test_the_type_of_numbers_is_kept(kind, folder):
    model = gpt().to(getattr(torch, kind))
    model.save_gpt2(folder)
    loaded = theirs(folder)
    assert str(loaded.dtype) == f"torch.{kind}"
    assert apart(model, loaded) <= KINDS[kind]
    if kind != "float64":  # the same bits: in float32, the same logits
        assert apart(model.float(), loaded.float()) <= 1e-5


def test_the_file_is_as_transformers_writes_it(folder, tmp_path):
    gpt().save_gpt2(folder)
    theirs(folder).save_pretrained(tmp_path / "theirs")
    stored = []
    for place in (folder, tmp_path / "theirs"):
        with safe_open(place / "model.safetensors", "pt") as file:
            stored.append((file.metadata(), {n: file.get_tensor(n) for n in sorted(file.keys())}))
    (mark, ours), (their_mark, found) = stored
    assert mark == their_mark == {"format": "pt"}
    assert ours.keys() == found.keys()
    assert all(torch.equal(ours[name], found[name]) for name in ours)
    kept = json.loads((tmp_path / "theirs/config.json").read_text("utf-8"))
    written = json.loads((folder / "config.json").read_text("utf-8"))
    assert all(kept[key] == value for key, value in written.items())


def test_dropout_travels(folder):
    gpt(replace(SMALL, dropout=0.25)).save_gpt2(folder)
    loaded = theirs(folder)
    settings = loaded.config
    assert (settings.resid_pdrop, settings.embd_pdrop, settings.attn_pdrop) == (0.25,) * 3
    tokens = ids(SMALL)
    assert not torch.equal(loaded.train()(tokens).logits, loaded(tokens).logits)


@pytest.mark.parametrize(
    ("vocab_size", "end"), [(11, None), (50256, None), (50257, 50256), (50258, None)]
)
def test_only_gpt2s_vocabulary_has_its_end_of_text(vocab_size, end, folder):
    gpt(GPTConfig(vocab_size, context=4, dim=4, num_heads=1, depth=1)).save_gpt2(folder)
    settings = theirs(folder).config
    assert settings.eos_token_id == settings.bos_token_id == end


def test_blocks_left_out_shuffled_and_shared(folder, tmp_path):
    model = gpt(replace(SMALL, depth=5))
    model.blocks = nn.ModuleList([model.blocks[k] for k in (3, 1, 0, 3)])
    model.save_gpt2(folder)
    loaded = theirs(folder)
    assert loaded.config.n_layer == 4
    assert apart(model, loaded) <= 1e-5
    back = GPT.from_pretrained_gpt2(folder)
    assert torch.equal(back(ids(SMALL)), model(ids(SMALL)))
    del model.blocks[1:3]
    model.save_gpt2(tmp_path / "less")
    assert apart(model, theirs(tmp_path / "less")) <= 1e-5


def test_transformers_generates_as_we_do(folder):
    model = gpt().eval()
    model.save_gpt2(folder)
    start = ids(SMALL)[:, :3]
    found = theirs(folder).generate(start, max_new_tokens=5, do_sample=False)
    assert torch.equal(found, model.generate(start, 5, temperature=0))


def test_the_model_stays_as_it_was(folder):
    model = gpt(replace(SMALL, dropout=0.1)).train()
    model.blocks[1].eval()
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    modes, state = [m.training for m in model.modules()], torch.get_rng_state()
    for weight in model.parameters():
        weight.grad = torch.ones_like(weight)
    with torch.autocast("cpu", torch.bfloat16):
        model.save_gpt2(folder)
    assert modes == [m.training for m in model.modules()]
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(before[name], w) for name, w in model.state_dict().items())
    assert all(w.requires_grad and (w.grad == 1).all() for w in model.parameters())


@pytest.mark.parametrize("letters", [None, "\n \\\"'aé中\u0301🙂<"], ids=["corpus", "odd letters"])
def test_the_alphabet_travels(letters, folder):
    text = corpus() if letters is None else letters * 2
    letters = letters or "".join(sorted(set(text)))
    config = GPTConfig(len(letters), context=8, dim=4, num_heads=1, depth=1)
    gpt(config).save_gpt2(folder, letters=letters)
    assert len(os.listdir(folder)) == 4
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    number = {letter: token for token, letter in enumerate(letters)}
    found = tokenizer(text, verbose=False)["input_ids"]
    assert found == [number[letter] for letter in text]
    assert tokenizer.decode(found) == text
    assert len(tokenizer) == len(letters)
    assert tokenizer.model_max_length == 8
    with pytest.raises(Exception, match="UNK"):
        tokenizer("ж")
    assert apart(gpt(config), theirs(folder)) <= 1e-5
    GPT.from_pretrained_gpt2(folder)


def change(path, value):
    """Exchange what stands at a path such as blocks.1.attention."""

    def changed(model):
        *way, last = path.split(".")
        part = model
        for name in way:
            part = getattr(part, name)
        setattr(part, last, value)

    return changed


def without(part):
    return lambda model: delattr(model, part)


class Doubled(GPTBlock):
    def forward(self, x):
        return 2 * super().forward(x)


class Leaky(GPTBlock):
    """It sees what comes after."""

    def forward(self, x):
        return super().forward(x.flip(1)).flip(1)


class Parallel(GPTBlock):
    def forward(self, x):
        return x + self.attention.update(x) + self.feed_forward.update(x)


class Picky(GPTBlock):
    def forward(self, x, mask):
        return super().forward(x)


def embedding(**options):
    return nn.Embedding(11, 16, **options)


def untied(model):
    head = torch.randn(16, 11)
    model.read = lambda x: model.final_norm(x) @ head


def capped(model):
    read = model.read
    model.read = lambda x: 3 * torch.tanh(read(x) / 3)


def hidden_activation(model):
    """Another activation, where a matrix of zeros hides it from the logits."""
    branch = model.blocks[2].feed_forward.branch
    nn.init.zeros_(branch.contract.weight)
    branch.phi = nn.functional.gelu


def hooked(model):
    model.blocks[0].register_forward_hook(lambda block, given, found: 2 * found)


def spoilt(value):
    def changed(model):
        model.blocks[1].attention.branch.qkv.weight.data[0, 0] = value

    return changed


FEED = "blocks.1.feed_forward"
REFUSED = {
    "shortcut in one place": (change(f"{FEED}.use_shortcut", False), "block 1.* something else"),
    "relu": (change(f"{FEED}.branch.phi", torch.relu), "block 1.* activation"),
    "exact gelu": (change(f"{FEED}.branch.phi", nn.functional.gelu), "block 1.* activation"),
    "hidden activation": (hidden_activation, "block 2.* activation"),
    "eps": (change("blocks.0.attention.norm_in.eps", 1e-6), "norm_in has eps 1e-06.* 1e-05"),
    "last eps": (change("final_norm.eps", 1e-12), "final_norm has eps 1e-12"),
    "heads": (change("blocks.2.attention.branch.num_heads", 2), "block 2.* something else"),
    "no norm": (change("final_norm", nn.Identity()), "lacks final_norm.weight"),
    "no bias": (change("blocks.0.attention.branch.out.bias", None), "lacks blocks.0.attention"),
    "rms": (change("final_norm", nn.RMSNorm(16)), "lacks final_norm.bias"),
    "a norm more": (change(f"{FEED}.norm_sum", nn.LayerNorm(16)), "adds blocks.1.feed_forward.n"),
    "hidden width": (change(f"{FEED}.branch", FeedForward(16, 32, "gelu-tanh")), "has shape"),
    "another block": (lambda m: m.blocks.append(TransformerBlock(16, 64, 4)), "adds blocks.3"),
    "doubled": (lambda m: m.blocks.append(Doubled(SMALL)), "block 3.* something else"),
    "leaky": (change("blocks.0", Leaky(SMALL)), "block 0.* the mask"),
    "parallel": (change("blocks.0", Parallel(SMALL)), "block 0.* something else"),
    "picky": (change("blocks.0", Picky(SMALL)), "block 0 fails .* TypeError"),
    "no blocks": (change("blocks", nn.ModuleList()), "it has no blocks"),
    "no positions": (without("positions"), "no positions"),
    "own head": (change("head", nn.Linear(16, 11)), "it adds head.weight"),
    "head out of sight": (untied, "the model computes something else .* the head"),
    "capped": (capped, "the model computes something else"),
    "a buffer": (lambda m: m.register_buffer("b", torch.ones(1), persistent=False), "adds b"),
    "max_norm": (change("positions", nn.Embedding(8, 16, max_norm=1.0)), "positions is Embedding"),
    "vocabulary": (change("tokens", nn.Embedding(12, 16)), "12 tokens .*config says 11"),
    "width": (change("tokens", nn.Embedding(11, 8)), r"tokens.weight has shape \(11, 8\)"),
    "hook": (hooked, "blocks.0 has forward hooks.* handle.remove"),
    "spectral norm": (
        lambda m: nn.utils.parametrizations.spectral_norm(m.blocks[0].attention.branch.out),
        "lacks blocks.0.attention.branch.out.weight.* adds",
    ),
    "pruned": (
        lambda m: prune.l1_unstructured(m.blocks[0].attention.branch.out, "weight", 3),
        "lacks blocks.0.attention.branch.out.weight",
    ),
    "dropout": (change("dropout.p", 0.3), "dropout has dropout 0.3, the config says 0.0"),
    "attention's dropout": (change("blocks.1.attention.branch.dropout", 0.3), "branch has dropout"),
    "nan": (spoilt(float("nan")), "qkv.weight holds 1 NaN or infinite of 768"),
    "inf": (spoilt(float("inf")), "qkv.weight holds 1 NaN"),
    "mixed": (lambda m: m.blocks[0].half(), "float16, torch.float32.* one type.*float()"),
    "float8": (lambda m: m.to(torch.float8_e4m3fn), "float8_e4m3fn; a saved GPT-2"),
    "meta": (lambda m: m.to("meta"), "meta device"),
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_gpt2_cannot_express_is_refused(why, folder):
    changed, says = REFUSED[why]
    model = gpt()
    changed(model)
    message = refusal(lambda: model.save_gpt2(folder))
    assert re.search(says, message), message
    assert not os.listdir(folder.parent)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"norm": "post"}, "norm is 'post', GPT-2 has only 'pre'"),
        ({"norm": "sandwich"}, "norm is 'sandwich'"),
        ({"use_shortcut": False}, "use_shortcut is False, GPT-2 has only True"),
    ],
)
def test_other_wirings_are_refused(changes, says, folder):
    assert says in refusal(lambda: GPT(replace(SMALL, **changes)).save_gpt2(folder))
    assert not os.listdir(folder.parent)


def test_no_gpt_is_refused(folder):
    for model in (nn.Linear(2, 2), GPT, None):
        refusal(lambda model=model: save_gpt2(model, folder))


@pytest.mark.parametrize(
    ("letters", "says"),
    [
        ("abc", "11 token ids, in order; got 3 characters"),
        ("abcdefghija", "'a' twice"),
        ("abcdefghij\ud800", "surrogate"),
        (list("abcdefghijk"), "must be a text"),
    ],
)
def test_letters_that_do_not_fit_are_refused(letters, says, folder):
    assert says in refusal(lambda: gpt().save_gpt2(folder, letters=letters))
    assert not os.listdir(folder.parent)


def test_what_stands_there_is_never_lost(tmp_path):
    model = gpt()
    file, full, empty = tmp_path / "file", tmp_path / "full", tmp_path / "empty"
    file.write_text("mine")
    full.mkdir()
    (full / "mine.txt").write_text("mine")
    assert "is a file" in refusal(lambda: model.save_gpt2(file))
    assert "mine.txt" in refusal(lambda: model.save_gpt2(full))
    assert file.read_text() == (full / "mine.txt").read_text() == "mine"
    missing = refusal(lambda: model.save_gpt2(tmp_path / "a" / "b"), error=FileNotFoundError)
    assert "no folder" in missing
    empty.mkdir()
    model.save_gpt2(str(empty))
    assert "overwrites none" in refusal(lambda: model.save_gpt2(empty))  # our own, too
    (tmp_path / "link").symlink_to(tmp_path / "linked")
    model.save_gpt2(tmp_path / "link")
    theirs(tmp_path / "linked")
    for path in (None, "", 3):
        refusal(lambda path=path: model.save_gpt2(path))
    assert len(os.listdir(tmp_path)) == 5


def test_the_folder_that_you_are_in_is_kept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "the folder you are in" in refusal(lambda: gpt().save_gpt2("."))
    gpt().save_gpt2("gpt")
    assert os.listdir() == ["gpt"]


@pytest.fixture
def tight():
    """Files of at most 4096 bytes: the system itself refuses more."""
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limit[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limit)


def test_a_system_that_takes_no_more_leaves_nothing(tight, folder):
    model = gpt()
    said = refusal(lambda: model.save_gpt2(folder), error=OSError)
    assert f"{folder} was not written: it is larger than a file may be" in said
    assert "nothing is left of it" in said
    assert not os.listdir(folder.parent)


@pytest.mark.parametrize("kept", [True, False])
def test_a_file_that_does_not_fit_leaves_the_former_one(kept, tight, tmp_path):
    def with_torch(part):
        with part.open("wb") as stream:
            torch.save(torch.zeros(9999), stream)  # a RuntimeError, from the system's

    file = tmp_path / "file"
    if kept:
        file.write_text("former")
    for write in (with_torch, lambda part: part.write_bytes(bytes(5000))):
        said = refusal(lambda write=write: write_whole(file, write), error=OSError)
        assert ("as it was" if kept else "nothing is left") in said
    assert os.listdir(tmp_path) == ["file"] * kept
    assert not kept or file.read_text() == "former"


@pytest.mark.parametrize(
    ("number", "says"),
    [
        (errno.ENOSPC, "the disk is full; make room"),
        (errno.EDQUOT, "the disk is full"),
        (errno.EROFS, "is not allowed; choose another folder"),
        (errno.EACCES, "is not allowed"),
        (errno.EIO, os.strerror(errno.EIO)),
    ],
)
@pytest.mark.parametrize("where", ["write_text", "mkdir"])
def test_what_the_system_refuses_is_said(number, says, where, folder):
    def refuse(self, *args, **options):
        if where == "write_text":
            self.write_bytes(b"ha")
        raise OSError(number, os.strerror(number), str(self))

    with patch.object(Path, where, refuse):
        said = refusal(lambda: gpt().save_gpt2(folder), error=OSError)
    assert says in said
    assert not os.listdir(folder.parent)


def test_a_full_disk_as_safetensors_tells_it(folder):
    from safetensors import SafetensorError

    error = SafetensorError("Error while serializing: I/O error: No space left (os error 28)")
    with patch("safetensors.torch.save_file", side_effect=error):
        assert "the disk is full" in refusal(lambda: gpt().save_gpt2(folder), error=OSError)
    with (
        patch("safetensors.torch.save_file", side_effect=SafetensorError("other")),
        pytest.raises(SafetensorError),
    ):
        gpt().save_gpt2(folder)
    assert not os.listdir(folder.parent)


@pytest.mark.parametrize("where", ["safetensors.torch.save_file", "os.fsync", "os.replace"])
def test_an_interruption_leaves_nothing(where, folder):
    with patch(where, side_effect=KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
        gpt().save_gpt2(folder)
    assert not os.listdir(folder.parent)


def test_a_file_is_replaced_in_one_step(tmp_path):
    file, link = tmp_path / "file", tmp_path / "link"
    link.symlink_to(file)

    def write(text):
        def half_then_whole(part):
            assert part.parent == tmp_path
            with part.open("w") as stream:
                stream.write(text[:2])
                stream.flush()
                assert not file.exists() or file.read_text() == "first"
                stream.write(text[2:])

        return half_then_whole

    write_whole(file, write("first"))
    write_whole(link, write("second"))
    assert link.is_symlink()
    assert file.read_text() == "second"
    assert len(os.listdir(tmp_path)) == 2


def test_write_whole_replaces_no_folder_and_no_pipe(tmp_path):
    (tmp_path / "full" / "inner").mkdir(parents=True)
    os.mkfifo(tmp_path / "pipe")
    for write in (lambda part: part.mkdir(), lambda part: part.write_text("x")):
        refusal(lambda write=write: write_whole(tmp_path / "full", write), error=OSError)
        refusal(lambda write=write: write_whole(tmp_path / "pipe", write), error=OSError)
    refusal(
        lambda: write_whole(tmp_path / "a" / "b", lambda part: part.mkdir()),
        error=FileNotFoundError,
    )
    with pytest.raises(RuntimeError, match="own"):
        write_whole(tmp_path / "new", lambda part: (_ for _ in ()).throw(RuntimeError("own")))
    assert sorted(os.listdir(tmp_path)) == ["full", "pipe"]
    assert (tmp_path / "full" / "inner").is_dir()
