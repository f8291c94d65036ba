"""With what people and staff write in a test."""

from __future__ import annotations

import pytest

from tests.matrix_js.person import JsPerson
from tests.matrix_server.person import Person

WITH_EACH = pytest.mark.parametrize("people", [Person, JsPerson], ids=["nio", "js"])
WITH_JS_SELDOM = pytest.mark.parametrize(
    "people", [pytest.param(Person, id="nio"), pytest.param(JsPerson, id="js", marks=pytest.mark.long)]
)
