"""Input checks, one line each: what was given, what was expected, what to do."""
