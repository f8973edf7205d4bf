"""Runs of small recipes draw pictures that nobody looks at."""

import pytest

from tests import drawing


@pytest.fixture(autouse=True, scope="module")
def drawn_quickly(request):
    with pytest.MonkeyPatch.context() as patch:
        if request.path.name != "test_figures.py":
            drawing.coarsely(patch)
        yield
