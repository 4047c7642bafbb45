"""How the tests run: which examples property tests search, what Ctrl-C and the collection of garbage do."""

import gc
import signal

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers

settings.register_profile(
    "repeatable", derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "explore", max_examples=1000, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("repeatable")


def pytest_configure(config: pytest.Config) -> None:
    """Let the same examples be searched whatever else runs: hypothesis tries constants of what is loaded by then."""
    if config.getoption("hypothesis_profile") != "explore":
        providers._get_local_constants = providers.Constants


# A shell that puts a run into the background lets it ignore Ctrl-C, and what it starts too: tests of Ctrl-C would wait.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """Let what the suite itself is stay out of what is collected: the device collects at every message it takes."""
    gc.collect()
    gc.freeze()
