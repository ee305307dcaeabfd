"""Initializers: one file per method, from `InitializerInputs` to a `Mixture` or an `Initialization`.

To add one: write its file with its source in the first lines, a line in registry.py, a paragraph in
docs/methods.md and an oracle test in tests/initializers/.
"""
