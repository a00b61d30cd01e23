"""A training's losses, drawn while it runs."""

import textwrap
import uuid
from collections.abc import Callable

from IPython.display import display, update_display
from matplotlib.figure import Figure

from lecture_utils import plots
from lecture_utils.language.pretrain import Curve
from lecture_utils.require.drawing import require_color, require_style, require_text
from lecture_utils.require.numbers import require_positive, require_scale

_WIDTH = 58  # characters of a title that stand above the picture in one line


class LiveCurve:
    """Draws the losses of a training, or of several, and draws them again as they come.

    Hand `curve.of(name, color)` to `pretrain(watch=…)`. The picture is an ordinary one in a
    display that is updated, so the page keeps it when no kernel runs.

    Args:
        steps: where the axis ends.
        line: the loss of who knows the letters' frequencies, in nats.
        title: states the finding; a long one takes several lines.

    Raises:
        ValueError: steps, line or title is none.
    """

    def __init__(self, steps: int, line: float, title: str = "Validation loss") -> None:
        require_positive("steps", steps)
        require_scale("line", line)
        require_text("title", title)
        self.steps, self.line, self.title = steps, line, textwrap.fill(title, _WIDTH)
        self.curves: dict[str, tuple[Curve, str, str]] = {}
        self._id = None

    def of(self, name: str, color: str, linestyle: str = "-") -> Callable[[Curve], None]:
        """Return what takes the curve of one training, and draws all.

        Raises:
            ValueError: there is no name, or no such colour or style of line.
        """
        require_text("name", name)
        require_color(color)
        require_style(linestyle)

        def take(curve: Curve) -> None:
            self.curves[name] = (curve, color, linestyle)
            self._show()

        return take

    def _show(self) -> None:
        data, metadata = plots.picture(self._figure(), self.alt())
        if self._id is None:
            self._id = uuid.uuid4().hex
            display(data, metadata=metadata, raw=True, display_id=self._id)
        else:
            update_display(data, metadata=metadata, raw=True, display_id=self._id)

    def _figure(self) -> Figure:
        fig, ax = plots.figure(self.title, "step", "loss, nats")
        ax.plot([0, self.steps], [self.line] * 2, color=plots.THEORY, linestyle=":")
        ax.annotate(
            "letter frequencies", (0.55 * self.steps, self.line), xytext=(0, -13),
            textcoords="offset points", color=plots.THEORY, size=9.5,
        )  # fmt: skip
        for name, (curve, color, linestyle) in self.curves.items():
            ax.plot(range(1, len(curve.loss) + 1), curve.loss, color=color, alpha=0.25, lw=1)
            if len(curve.checked):
                plots.line(ax, curve.checked, curve.validation, name, color, linestyle)
        ax.set(xlim=(0, 1.22 * self.steps), xticks=[k * self.steps // 4 for k in range(5)])
        return fig

    def alt(self) -> str:
        """Say what the picture shows, with the last numbers."""
        ends = "; ".join(
            f"{name} {curve.validation[-1]:.2f} after {int(curve.checked[-1])} steps"
            if len(curve.checked)
            else f"{name} not measured yet after {len(curve.loss)} steps"
            for name, (curve, *_) in self.curves.items()
        )
        known = f"who knows the letter frequencies has {self.line:.2f}"
        return f"Validation loss in nats against steps: {f'{ends}; ' if ends else ''}{known}."
