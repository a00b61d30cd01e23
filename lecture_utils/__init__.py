"""The plumbing of the course: data, measuring, drawing, explorers and checks.

The notebooks own the ideas. Nothing here runs on import; each notebook calls `setup()` once.
"""


def setup() -> None:
    """Prepare a notebook: one torch thread and the course's figure style.

    One thread, because a second one gains nothing on networks this small and makes cells many
    times slower as soon as another program uses the same core.
    """
    import torch

    from lecture_utils import plots

    torch.set_num_threads(1)
    plots.use_style()
