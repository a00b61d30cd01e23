"""For those who carry the course on: what is generated, executed and tested. Readers need none."""
