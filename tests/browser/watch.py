"""Pages that reach nothing but this machine, and everything that goes wrong on them."""

import contextlib
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

AXE = Path(__file__).parent / "vendor" / "axe" / "axe.min.js"
LOCAL = ("file", "data", "blob", "about")


def is_local(url: str) -> bool:
    """Tell whether an address stays on this machine."""
    parts = urlsplit(url)
    return parts.scheme in LOCAL or parts.hostname in ("127.0.0.1", "localhost")


@dataclass
class Watched:
    """A page and its troubles: failed and forbidden requests, errors of the console."""

    page: object
    troubles: list[str] = field(default_factory=list)

    def axe(self, *rules: str) -> list[str]:
        """Return what axe-core finds: each rule, with the elements that break it.

        Args:
            rules: those to ask; all if none is given.
        """
        if not self.page.evaluate("Boolean(window.axe)"):
            self.page.evaluate(AXE.read_text("utf-8"))
        found = self.page.evaluate(
            """async rules => {
                const options = {resultTypes: ["violations"]};
                if (rules.length) options.runOnly = rules;
                const found = (await axe.run(options)).violations;
                return found.map(v => [v.id, v.nodes.map(n => [n.html.slice(0, 160), n.any])]);
            }""",
            list(rules),
        )
        return [
            f"{rule} breaks {html}: {'; '.join(check['message'] for check in checks)}"
            for rule, nodes in found
            for html, checks in nodes
        ]


class Watch:
    """Opens watched pages."""

    def __init__(self, chromium: object):
        self.chromium = chromium

    @contextlib.contextmanager
    def __call__(self, url: str, **options: object):
        """Open an address in a page of its own; `options` are those of a browser context."""
        context = self.chromium.new_context(**options)
        page = Watched(context.new_page())
        troubles = page.troubles

        def gate(route):
            if is_local(route.request.url):
                return route.continue_()
            troubles.append(f"asked for {route.request.url}")
            return route.abort()

        context.route("**/*", gate)
        page.page.on("requestfailed", lambda r: troubles.append(f"failed: {r.url} {r.failure}"))
        page.page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
        page.page.on(
            "console",
            lambda m: troubles.append(f"console: {m.text}") if m.type == "error" else None,
        )
        try:
            page.page.goto(url)
            yield page
        finally:
            context.close()
