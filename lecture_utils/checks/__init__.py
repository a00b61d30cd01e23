"""The exercises' checks: each isolates one mechanism and names the probable mistake."""
