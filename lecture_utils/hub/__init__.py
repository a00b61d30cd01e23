"""A room on one server: `make hub` gives each seat an account, its notebooks, and its share.

`room` holds the settings. What starts the room needs the standard library alone, and runs before
there is an environment; `config`, `spawner` and `seat` run in the room's own environment.
"""
