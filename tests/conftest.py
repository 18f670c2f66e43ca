"""Shared by all tests."""

from hypothesis import settings

# A busy machine must not fail a test: no deadlines. Derandomised, so that a red run is red for everyone.
settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.load_profile("repeatable")
