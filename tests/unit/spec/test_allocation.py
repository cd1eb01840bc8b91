"""While a tree is built the cycle collector rests, and afterwards it is as it was."""

import gc

import pytest

from aggregator.spec.allocation import building


@pytest.mark.parametrize("before", [True, False])
def test_the_collector_rests_and_comes_back_only_if_it_was_on(before):
    was = gc.isenabled()
    (gc.enable if before else gc.disable)()
    try:
        with building():
            assert not gc.isenabled()
        assert gc.isenabled() is before
        with pytest.raises(KeyError), building():
            raise KeyError
        assert gc.isenabled() is before
    finally:
        (gc.enable if was else gc.disable)()
