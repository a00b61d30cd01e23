"""The stop button: what is running ends after the present step, and loses nothing."""

import signal
import threading
from types import FrameType


class StopButton:
    """While it is open, an interruption is noted instead of breaking in; a second one breaks in.

    An interruption is Jupyter's stop button, or Ctrl-C. Outside the main thread, where Python
    delivers none, it notes nothing.
    """

    def __init__(self) -> None:
        self.pressed = False
        self._before = None

    def __enter__(self) -> "StopButton":
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *_error: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        if self.pressed:
            raise KeyboardInterrupt
        self.pressed = True
