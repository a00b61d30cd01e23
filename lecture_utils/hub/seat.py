"""A seat's server: its copies of the notebooks first, then JupyterLab."""

import sys

from jupyterhub.singleuser import main as serve

from lecture_utils import copies


def main() -> None:
    """Bring the copies up to date, and serve; a full home must not keep its owner out."""
    try:
        said = copies.refresh()
    except ValueError as error:
        said = [str(error)]
    for line in said:
        print(line, file=sys.stderr)
    serve()


if __name__ == "__main__":
    main()
