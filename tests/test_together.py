"""Two processes train as one does with the joint batch; killed, they go on from the file.

They are started by the engine that people use, torchrun, on CPUs, without a network.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from lecture_utils.language import pretrain, read_text, unigram_entropy
from lecture_utils.models import GPT, GPTConfig

ROOT = Path(__file__).parents[1]
STEPS, KILLED_AT = 20, 13
SENTENCE = "the net that adds learns what the net that does not add forgets; " * 40
# Python reads it before the course's command, in each process: in the middle of a step, the first
# process is ended by a real SIGKILL, and torchrun ends the other.
KILL = f"""
import os
if os.environ.get("RANK") == "0":
    import shutil, signal, sys
    from lecture_utils.language import pretrain
    training = sys.modules[pretrain.__module__]
    training.SAVE_AFTER = -1.0
    whole = training.batch_at
    def batch_at(step, *rest):
        if step == {KILLED_AT}:
            os.kill(os.getpid(), signal.SIGKILL)
        return whole(step, *rest)
    training.batch_at = batch_at
"""
# Nothing but this machine can be reached.
LOOPBACK = {"GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"}


def torchrun(folder, *first):
    """Start two processes of the documented command; return the finished process."""
    sizes = "--depth 2 --dim 16 --heads 2 --context 16 --steps 20 --lr 0.01 --batch-size 4"
    more = "--warmup 3 --check-every 5 --device cpu --text text.txt --out run.safetensors"
    return subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
         "-m", "lecture_utils.language", *sizes.split(), *more.split()],
        env=os.environ | LOOPBACK | {"PYTHONPATH": os.pathsep.join([*first, str(ROOT)])},
        cwd=folder, capture_output=True, text=True, timeout=300,
    )  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where two processes were killed, and then the same command was said again."""
    folder = tmp_path_factory.mktemp("together")
    (folder / "text.txt").write_text(SENTENCE, encoding="utf-8")
    (folder / "kill").mkdir()
    (folder / "kill" / "sitecustomize.py").write_text(KILL, encoding="utf-8")
    killed = torchrun(folder, str(folder / "kill"))
    assert killed.returncode != 0
    assert "exitcode  : -9" in killed.stderr, killed.stderr
    shutil.copy(folder / "run.safetensors", folder / "killed.safetensors")
    again = torchrun(folder)
    assert again.returncode == 0, again.stderr
    (folder / "said.txt").write_text(again.stdout, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def single(tmp_path_factory):
    """The file of one process, unbroken."""
    return alone(tmp_path_factory.mktemp("alone") / "run.safetensors")


def alone(file):
    """One process with the joint batch; its file."""
    text = read_text(SENTENCE)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = GPT(GPTConfig(len(text.letters), 16, 16, 2, 2))
    settings = {"lr": 0.01, "batch_size": 4, "warmup": 3, "check_every": 5}
    pretrain(model, text, STEPS, checkpoint=file, progress=False, **settings)
    return file


def near(one, other):
    one, other = load_file(one), load_file(other)
    assert len(one["loss"]) == STEPS
    assert one.keys() == other.keys()
    for name, tensor in one.items():
        torch.testing.assert_close(tensor, other[name], rtol=1e-4, atol=1e-4, msg=name)


def test_two_processes_have_the_losses_of_one_with_the_joint_batch(folder, single):
    two, one = load_file(folder / "killed.safetensors")["loss"], load_file(single)["loss"]
    assert len(two) == KILLED_AT - 2  # written before the update of the step before
    torch.testing.assert_close(two, one[: len(two)], rtol=1e-4, atol=1e-4)
    assert not torch.allclose(two[1:], one[: len(two) - 1], rtol=1e-4)  # so that it says something


def test_killed_processes_go_on_from_their_file_to_the_same_end(folder, single):
    near(folder / "run.safetensors", single)  # losses, weights and AdamW's averages


def test_one_process_speaks_and_writes_for_both(folder, single):
    lines = (folder / "said.txt").read_text(encoding="utf-8").splitlines()
    line = unigram_entropy(read_text(SENTENCE).validation)
    assert lines[0] == f"letter frequencies alone: {line:.3f} nats"
    measured = load_file(single)["validation"].tolist()
    assert lines[1:5] == [
        f"step {5 * k}: validation loss {loss:.3f}" for k, loss in enumerate(measured, 1)
    ]
    assert "\n".join(lines).count("validation loss") == 4
    names = ["kill", "killed.safetensors", "run.safetensors", "said.txt", "text.txt"]
    left = [name for name in sorted(os.listdir(folder)) if not name.startswith(".part-")]
    assert left == names


def test_what_two_began_one_goes_on_with(folder, single, tmp_path):
    file = shutil.copy(folder / "killed.safetensors", tmp_path / "one.safetensors")
    near(alone(file), single)
