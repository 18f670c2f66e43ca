"""The pure core: numbers in, decisions out. No clock, file, socket or environment is read here.

It imports only itself, NumPy and the standard library; ``tests/test_architecture.py`` enforces that.
"""
