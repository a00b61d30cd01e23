"""Training a GPT on a text: data without leakage, an honest loop, and nothing lost on the way."""

import contextlib
import copy
import errno
import math
import os
import resource
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn.functional import cross_entropy

from lecture_utils import plots
from lecture_utils.language import (
    Curve,
    LiveCurve,
    Text,
    __main__,
    batch_at,
    bigram_entropy,
    pretrain,
    read_text,
    schedule,
    unigram_entropy,
    validation_loss,
    windows,
)
from lecture_utils.models import GPT, GPTConfig

RNG = torch.Generator().manual_seed(0)
WORDS = ["a net", " learns", " to add", " a shortcut", ";\n", " and", " so", " on."]
SENTENCE = "".join(WORDS[k] for k in torch.randint(len(WORDS), (400,), generator=RNG))
DATA = read_text(SENTENCE)
STEPS = 20
TRAINING = {"lr": 0.01, "batch_size": 4, "warmup": 3, "check_every": 4, "progress": False}


def small(seed=0, **config):
    sizes = {"vocab_size": len(DATA.letters), "context": 16, "dim": 16, "num_heads": 2, "depth": 2}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return GPT(GPTConfig(**sizes | config))


def trained(model=None, **options):
    """A model and the curve of its training."""
    model = small() if model is None else model
    return model, pretrain(model, DATA, STEPS, **TRAINING | options)


def same(one, other):
    """Losses and weights of two trainings are equal, bit for bit."""
    for name in ("loss", "checked", "validation"):
        assert torch.equal(getattr(one[1], name), getattr(other[1], name)), name
    assert one[1].ended == other[1].ended
    pairs = zip(one[0].parameters(), other[0].parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


@pytest.fixture(scope="module")
def unbroken():
    return trained()


@pytest.fixture
def often(monkeypatch):
    """Write the file before every step."""
    monkeypatch.setattr(sys.modules[pretrain.__module__], "SAVE_AFTER", -1.0)


# --- the text ---


def test_a_text_is_read_back():
    assert DATA.decode(torch.cat([DATA.train, DATA.validation])) == SENTENCE
    assert DATA.encode("to add").dtype == torch.int64
    assert DATA.decode(DATA.encode("to add").tolist()) == "to add"
    odd = read_text("ä\0\U0001f600\ud800ä\n" * 5)
    assert odd.decode(odd.train[:6]) == "ä\0\U0001f600\ud800ä\n"
    assert len(read_text("ab" * 50, held_out=0.25).validation) == 25


def test_no_batch_holds_a_token_that_is_kept_for_validation():
    text = read_text("abc" * 60 + "XYZ" * 20, held_out=0.25)
    assert set(text.decode(text.train)) == set("abc")
    seen = [part for step in range(1, 200) for part in batch_at(step, text.train, 4, 16)]
    assert set(text.decode(torch.cat(seen).flatten())) == set("abc")
    held = torch.cat(windows(text.validation, 16))
    assert set(text.decode(held.flatten())) == set("XYZ")


def test_targets_are_one_token_later_and_every_place_occurs():
    row = torch.arange(40)
    starts = set()
    for step in range(1, 60):
        x, y = batch_at(step, row, 4, 16)
        assert x.shape == y.shape == (4, 16)
        assert torch.equal(y, x + 1)
        assert torch.equal(x[:, 1:], x[:, :-1] + 1)
        starts |= set(x[:, 0].tolist())
    assert starts == set(range(24))


def test_batches_depend_on_step_and_seed_alone():
    torch.manual_seed(1)
    first = batch_at(7, DATA.train, 4, 16, seed=3)
    torch.manual_seed(2)
    assert all(map(torch.equal, first, batch_at(7, DATA.train, 4, 16, seed=3)))
    assert not torch.equal(first[0], batch_at(8, DATA.train, 4, 16, seed=3)[0])
    assert not torch.equal(first[0], batch_at(7, DATA.train, 4, 16, seed=4)[0])


@pytest.mark.parametrize(("length", "most"), [(17, 64), (33, 64), (34, 64), (200, 5), (200, 64)])
def test_windows_do_not_overlap_and_reach_both_ends(length, most):
    x, y = windows(torch.arange(length), 16, most)
    assert torch.equal(y, x + 1)
    assert len(x) == min(most, (length - 1) // 16)
    assert x.unique().numel() == x.numel()
    assert x.min() == 0
    assert y.max() == (length - 1 if len(x) > 1 else 16)


def test_entropies_against_hand_computed_values():
    row = torch.tensor([0, 1, 0, 1, 0, 2, 0, 2])
    quarter, half = 0.25 * math.log(4), 0.5 * math.log(2)
    assert unigram_entropy(row) == pytest.approx(half + 2 * quarter)
    # After 0 (4 times) come 1 and 2, each twice; after 1 and 2 (3 times) always 0.
    assert bigram_entropy(row) == pytest.approx(4 / 7 * math.log(2))
    assert str(unigram_entropy(torch.zeros(9, dtype=torch.int64))) == "0.0"
    assert bigram_entropy(torch.tensor([0, 1])) == bigram_entropy(torch.arange(9)) == 0.0
    assert unigram_entropy(torch.tensor([2**62, 5])) == pytest.approx(math.log(2))


def test_the_rate_rises_in_a_line_and_falls_along_a_cosine():
    rates = [schedule(step, 100, 9) for step in range(1, 101)]
    assert rates[:9] == pytest.approx([k / 10 for k in range(1, 10)])
    assert rates[-1] == pytest.approx(0.1)
    assert schedule(55, 101, 9) == pytest.approx(0.55)
    assert rates[9:] == sorted(rates[9:], reverse=True)


# --- the loop ---


@pytest.mark.parametrize("dropout", [0.0, 0.2])
def test_pretrain_is_the_plain_loop(dropout):
    found = trained(small(dropout=dropout), seed=5)
    model, losses = small(dropout=dropout), []
    updater = torch.optim.AdamW(model.parameters(), betas=(0.9, 0.95), fused=True)
    for step in range(1, STEPS + 1):
        torch.manual_seed(hash((5, step, 0)) % 2**63)
        x, y = batch_at(step, DATA.train, 4, 16, seed=5)
        loss = cross_entropy(model(x).flatten(0, 1), y.flatten())
        updater.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        fall = 0.55 + 0.45 * math.cos(math.pi * (step - 3) / (STEPS - 3))
        updater.param_groups[0]["lr"] = 0.01 * (step / 4 if step <= 3 else fall)
        updater.step()
        losses.append(loss.item())
    assert found[1].loss.tolist() == losses
    assert all(map(torch.equal, found[0].parameters(), model.parameters()))
    model.eval()
    x, y = windows(DATA.validation, 16)
    right = cross_entropy(model(x).flatten(0, 1), y.flatten()).item()
    assert found[1].validation[-1].item() == pytest.approx(right, rel=1e-5)
    assert validation_loss(model, DATA) == found[1].validation[-1].item()
    assert found[1].checked.tolist() == [4, 8, 12, 16, 20]


def test_a_training_leaves_the_callers_things_alone(unbroken):
    torch.manual_seed(9)
    before, handler = torch.get_rng_state(), signal.getsignal(signal.SIGINT)
    model, curve = trained(small(dropout=0.3))
    assert torch.equal(torch.get_rng_state(), before)
    assert signal.getsignal(signal.SIGINT) is handler
    assert not any(part.training for part in model.modules())
    assert not torch.equal(curve.loss, unbroken[1].loss)
    model.train()
    validation_loss(model, DATA)
    assert model.training
    model.requires_grad_(False)
    assert validation_loss(model, DATA, pieces=2) > 0  # what is frozen can still be measured


def test_a_training_is_watched(unbroken):
    seen = []
    same(trained(watch=seen.append), unbroken)
    assert [len(curve.checked) for curve in seen] == [1, 2, 3, 4, 5]
    assert [curve.ended for curve in seen] == ["running"] * 4 + ["done"]


def test_it_learns_more_than_letter_frequencies():
    curve = trained(lr=0.02)[1]
    assert curve.validation[-1] < unigram_entropy(DATA.validation)


# --- stopped, killed, continued ---


def press(step, times=1):
    """Press the real stop button when the validation loss after a step is known."""

    def watch(curve):
        if len(curve.loss) == step and curve.ended == "running":
            for _ in range(times):
                os.kill(os.getpid(), signal.SIGINT)

    return watch


@pytest.mark.parametrize("dropout", [0.0, 0.2])
def test_stopped_and_continued_is_unbroken(tmp_path, dropout, unbroken):
    file, handler = tmp_path / "run.safetensors", signal.getsignal(signal.SIGINT)
    model, curve = trained(small(dropout=dropout), checkpoint=file, watch=press(8))
    assert (curve.ended, len(curve.loss)) == ("stopped", 8)
    assert signal.getsignal(signal.SIGINT) is handler
    assert not model.training
    whole = unbroken if dropout == 0 else trained(small(dropout=dropout))
    other = small(seed=4, dropout=dropout)  # its weights come from the file
    same(trained(other, checkpoint=file), whole)
    seen = []
    same(trained(small(dropout=dropout), checkpoint=str(file), watch=seen.append), whole)
    assert [curve.ended for curve in seen] == ["done"]  # so that the picture is there again
    assert [path.name for path in tmp_path.iterdir()] == ["run.safetensors"]


def test_a_second_press_breaks_in_and_the_file_is_whole(tmp_path, often, unbroken):
    file, handler = tmp_path / "run.safetensors", signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        trained(checkpoint=file, watch=press(8, times=2))
    assert signal.getsignal(signal.SIGINT) is handler
    assert len(load_file(file)["loss"]) == 7  # written before the eighth update
    same(trained(checkpoint=file), unbroken)


KILLED = """
import sys, time
import test_language as t
sys.modules[t.pretrain.__module__].SAVE_AFTER = -1.0
def watch(curve):
    if len(curve.loss) == 12:
        print("here", flush=True)
        time.sleep(60)
t.trained(checkpoint=sys.argv[1], watch=watch)
"""


def test_killed_and_continued_is_unbroken(tmp_path, unbroken):
    file = tmp_path / "run.safetensors"
    paths = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[1])])
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(file)], stdout=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
    ) as process:  # fmt: skip
        assert process.stdout.readline() == "here\n"
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert len(load_file(file)["loss"]) == 11
    same(trained(checkpoint=file), unbroken)


def finite(file):
    return all(t.isfinite().all() for t in load_file(file).values())


def test_a_diverged_training_keeps_the_last_good_file(tmp_path, often, unbroken):
    file, model = tmp_path / "run.safetensors", small()

    def poison(curve):
        if len(curve.loss) == 8:
            nn.init.constant_(model.final_norm.weight, math.nan)

    _, curve = trained(model, checkpoint=file, watch=poison)
    assert (curve.ended, len(curve.loss)) == ("diverged", 8)
    assert finite(file)
    same(trained(checkpoint=file), unbroken)
    fresh = tmp_path / "fresh.safetensors"
    assert trained(model, checkpoint=fresh)[1].ended == "diverged"
    assert not fresh.exists()


def test_a_gradient_that_is_not_finite_is_not_followed(tmp_path):
    file, model, calls = tmp_path / "run.safetensors", small(), []

    def poison(grad):
        calls.append(copy.deepcopy(model.state_dict()))
        return grad * math.inf if len(calls) == 5 else grad

    model.final_norm.weight.register_hook(poison)
    _, curve = trained(model, checkpoint=file)
    assert (curve.ended, len(curve.loss)) == ("diverged", 4)
    assert all(torch.equal(w, calls[-1][name]) for name, w in model.state_dict().items())
    assert finite(file)


def test_weights_whose_last_loss_is_not_finite_are_not_written(tmp_path):
    file = tmp_path / "run.safetensors"
    with patch.object(sys.modules[pretrain.__module__], "validation_loss", lambda *_: math.nan):
        assert trained(checkpoint=file)[1].ended == "diverged"
    assert len(load_file(file)["loss"]) == 0


# --- files that are none, or another training's ---


@pytest.fixture
def stopped(tmp_path):
    file = tmp_path / "run.safetensors"
    trained(checkpoint=file, watch=press(8))
    return file


def refused(file, model=None, text=DATA, steps=STEPS, **options):
    """The refusal, after which file, model and folder are as before."""
    model = small() if model is None else model
    kept, before, names = file.read_bytes(), copy.deepcopy(model.state_dict()), os.listdir(
        file.parent)  # fmt: skip
    with pytest.raises(ValueError, match=r".") as error:
        pretrain(model, text, steps, checkpoint=file, **TRAINING | options)
    assert file.read_bytes() == kept
    assert all(torch.equal(w, before[name]) for name, w in model.state_dict().items())
    assert os.listdir(file.parent) == names
    return str(error.value)


def test_another_training_is_refused_by_name(stopped):
    assert "lr 0.01 there, 0.02 here" in refused(stopped, lr=0.02)
    assert "steps 20 there, 21 here" in refused(stopped, steps=21)
    assert "seed 0 there, 1 here" in refused(stopped, seed=1)
    assert "the model's depth 2 there, 3 here" in refused(stopped, small(depth=3))
    assert "the model's norm 'pre' there, 'post' here" in refused(stopped, small(norm="post"))
    assert "float32' there, 'torch.float64' here" in refused(stopped, small().double())
    assert "the text (SHA-256)" in refused(stopped, text=read_text(SENTENCE, held_out=0.2))
    changed = replace(DATA, letters=DATA.letters[::-1])
    assert "the text (SHA-256)" in refused(stopped, text=changed)


def without(name):
    def change(tensors):
        del tensors[name]

    return change


def instead(name, tensor):
    def change(tensors):
        tensors[name] = tensor

    return change


@pytest.mark.parametrize(
    "change",
    [
        without("weight.tokens.weight"),
        without("exp_avg_sq.tokens.weight"),
        without("loss"),
        instead("weight.other", torch.ones(2)),
        instead("weight.tokens.weight", torch.ones(2, 3)),
        instead("validation", torch.ones(1)),
        instead("loss", torch.ones(2, 2)),
    ],
)
def test_a_damaged_training_is_refused(stopped, change):
    from safetensors import safe_open

    with safe_open(stopped, "pt") as opened:
        header = opened.metadata()
    tensors = load_file(stopped)
    change(tensors)
    save_file(tensors, stopped, header)
    assert "run.safetensors" in refused(stopped)


def test_files_that_are_no_training_are_refused(stopped):
    whole = stopped.read_bytes()
    for size in (0, 5, 100, len(whole) // 2, len(whole) - 1):
        stopped.write_bytes(whole[:size])
        assert "cannot be read as a training" in refused(stopped)
    torch.save({"weight": torch.ones(2)}, stopped)
    assert "pickle" in refused(stopped)
    save_file({"weight": torch.ones(2)}, stopped)
    assert "not one that a training of the course wrote" in refused(stopped)
    stopped.write_text("a letter to Ann")
    assert "cannot be read as a training" in refused(stopped)


# --- a full disk ---


@contextlib.contextmanager
def no_room(size):
    """No file may be longer; a real limit of the system."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_that_is_full_from_the_start_is_told_before_the_first_step(tmp_path):
    model, start = small(), small()
    with no_room(15_000), pytest.raises(OSError, match="was not written: it is larger"):
        trained(model, checkpoint=tmp_path / "run.safetensors")
    assert all(map(torch.equal, model.parameters(), start.parameters()))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("full", ["limit", "ENOSPC"])
def test_a_disk_that_fills_up_takes_nothing(stopped, unbroken, full):
    kept, model = stopped.read_bytes(), small()
    refusal = OSError(errno.ENOSPC, "No space left on device")
    mock = patch.object(Path, "write_bytes", side_effect=refusal)
    said = "larger than a file may be" if full == "limit" else "the disk is full"
    with no_room(15_000) if full == "limit" else mock, pytest.raises(OSError, match=said):
        trained(model, checkpoint=stopped)
    assert stopped.read_bytes() == kept
    assert os.listdir(stopped.parent) == [stopped.name]
    assert all(map(torch.equal, model.parameters(), unbroken[0].parameters()))  # all 20 steps
    same(trained(checkpoint=stopped), unbroken)


# --- the picture ---


def test_the_live_curve_is_one_picture_that_changes():
    title = "Without shortcuts a net of twelve blocks learns how frequent each letter is, no more"
    live, shown = LiveCurve(STEPS, unigram_entropy(DATA.train), title), []

    def keep(data, metadata, raw, display_id):
        shown.append((data, metadata["image/png"]["alt"], display_id))

    name = "lecture_utils.language.live."
    with patch(f"{name}display", keep), patch(f"{name}update_display", keep):
        _, curve = trained(watch=live.of("with shortcuts", plots.SHORTCUT))
        live.of("another", plots.PLAIN, "--")(Curve(*[torch.tensor([])] * 3, "diverged"))
    assert len(shown) == 6
    assert len({number for *_, number in shown}) == 1
    assert f"with shortcuts {curve.validation[-1]:.2f} after 20 steps" in shown[-1][1]
    assert f"{unigram_entropy(DATA.train):.2f}" in shown[0][1]
    assert "another not measured yet after 0 steps" in shown[-1][1]
    assert shown[0][0]["image/png"] != shown[1][0]["image/png"]
    fig = live._figure()
    fig.canvas.draw()
    assert fig.get_suptitle().split() == title.split()
    assert fig._suptitle.get_window_extent().x1 < fig.bbox.width
    plots.picture(fig, live.alt())


# --- the command line ---


@pytest.fixture
def say(monkeypatch, capsys, tmp_path):
    """Say the command; return its exit code, what it printed, and its errors."""
    file = tmp_path / "text.txt"
    file.write_text(SENTENCE, encoding="utf-8")
    sizes = "--depth 2 --dim 16 --heads 2 --context 16 --steps 20 --lr 0.01 --batch-size 4"

    def command(more):
        words = f"{sizes} --warmup 3 --check-every 4 --device cpu --text {file} {more}".split()
        monkeypatch.setattr(sys, "argv", ["language", *words])
        with pytest.raises(SystemExit) as left, torch.random.fork_rng(devices=[]):
            __main__.main()
        return (left.value.code or 0, *capsys.readouterr())

    return command


def test_the_command_trains_tells_and_writes(say, tmp_path):
    out, folder = tmp_path / "run.safetensors", tmp_path / "gpt2"
    code, said, errors = say(f"--out {out} --save-gpt2 {folder} --prompt so")
    assert (code, errors) == (0, "")
    model, curve = trained()
    lines = said.splitlines()
    assert lines[0] == f"letter frequencies alone: {unigram_entropy(DATA.train):.3f} nats"
    assert lines[1:6] == [
        f"step {step}: validation loss {loss:.3f}"
        for step, loss in zip(curve.checked.tolist(), curve.validation.tolist(), strict=True)
    ]
    assert "\n".join(lines[6:]).startswith("so")
    assert load_file(out)["loss"].tolist() == curve.loss.tolist()
    tokens = DATA.train[None, :16]
    torch.testing.assert_close(GPT.from_pretrained_gpt2(folder)(tokens), model(tokens))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("", "the following arguments are required: --out"),
        ("--out run.txt", "must be a .safetensors file"),
        ("--out no/run.safetensors", "there is no folder no"),
        ("--out run.safetensors --text no.txt", "no text file at"),
        ("--out run.safetensors --depth 0", "depth must be a positive whole number"),
        ("--out run.safetensors --heads 3", "num_heads must be one of"),
        ("--out run.safetensors --lr -1", "lr must be a finite number, zero or more"),
        ("--out run.safetensors --lr much", "argument --lr: invalid float value"),
        ("--out run.safetensors --context 9999", "too few for a piece"),
        ("--out run.safetensors --prompt Ω", "has no 'Ω'"),
        ("--out run.safetensors --norm post --save-gpt2 new", "GPT-2 has only 'pre'"),
        ("--out run.safetensors --no-shortcut --save-gpt2 new", "GPT-2 has only True"),
    ],
)
def test_the_command_refuses_in_one_line(say, tmp_path, monkeypatch, more, said):
    monkeypatch.chdir(tmp_path)
    code, printed, errors = say(more)
    assert (code, printed) == (2, "")
    assert said in errors.splitlines()[-1]
    assert len(errors.splitlines()) == 2  # the usage, the error
    assert os.listdir(tmp_path) == ["text.txt"]


def test_the_command_tells_how_it_ended(say, tmp_path):
    code, said, _ = say(f"--out {tmp_path / 'a.safetensors'} --lr 1e36 --warmup 0")
    assert code == 1
    assert "diverged after" in said


def test_no_gpu_is_told(say, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    code, _, errors = say(f"--out {tmp_path / 'a.safetensors'} --device cuda")
    assert code == 2
    assert "has no GPU: 0 found" in errors


def test_a_text_is_compared_by_identity():
    assert Text(DATA.letters, DATA.train, DATA.validation) != DATA  # and raises nothing


def test_without_gradients_a_training_is_refused():
    with torch.no_grad(), pytest.raises(ValueError, match="gradients are switched off"):
        trained()
