"""No test is left out of `make test`."""

import pytest

from tests import browsers


def test_a_test_for_the_browser_that_its_run_would_pass_over_is_refused(request: pytest.FixtureRequest) -> None:
    browsers.pytest_itemcollected(request.node)
    request.node.add_marker("browser")
    with pytest.raises(pytest.UsageError, match=r"test_runs\.py::.* is the browser's"):
        browsers.pytest_itemcollected(request.node)
