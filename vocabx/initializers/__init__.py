"""Initializers: one file a method, from `InitializerInputs` to a `Mixture` or an `Initialization`.

To add one: write its file with its source in the first lines, a line in registry.py, a paragraph in
docs/methods.md and its oracle in tests/initializers/.
"""
