"""A fixture that failed says why once. Every other test that asked for it says in a line that it did not run.

pytest raises the error of a shared fixture again, the very same object, for each test that wants it, and prints it as
often with all that it says: of an apply that fails, the plan of two hundred resources.
"""

from collections.abc import Generator

import pytest

_SAID = pytest.StashKey[list[tuple[BaseException, str]]]()
"""The errors that were told, and by which test."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: "pytest.CallInfo[None]"
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Report a test whose set-up failed by an error that was told before as skipped; that error keeps the run red."""
    report = yield
    if report.when == "setup" and report.failed and call.excinfo:
        told = item.config.stash.setdefault(_SAID, [])
        teller = next((nodeid for error, nodeid in told if error is call.excinfo.value), None)
        if teller is None:
            told.append((call.excinfo.value, item.nodeid))
        else:
            report.outcome = "skipped"
            report.longrepr = (str(item.path), 1, f"did not run: its set-up failed, see {teller}")
    return report
