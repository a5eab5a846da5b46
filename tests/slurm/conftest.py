"""One cluster for all tests; in continuous integration its absence is a failure."""

import os
from collections.abc import Iterator

import pytest

from tests.slurm.cluster import NODES, Cluster, open_cluster, why_not
from tests.slurm.lab import Lab, open_lab


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Two nodes of four CPUs and two GPUs each."""
    reason = why_not()
    if reason is not None:
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with open_cluster() as opened:
        yield opened


@pytest.fixture(scope="session")
def shared(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with open_lab(cluster, tmp_path_factory.mktemp("lab")) as opened:
        yield opened


@pytest.fixture
def lab(shared: Lab) -> Lab:
    """A running deployment on the cluster, whose nodes are all well."""
    for node in NODES:
        if shared.cluster.is_withheld(node):
            shared.cluster.tell(node, "RESUME")
    return shared
