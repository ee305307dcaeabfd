"""A playground's application in this process, asked as a browser asks it."""

import pytest
from starlette.testclient import TestClient

from vocabx.commands.playground.options import PlaygroundOptions
from vocabx.commands.playground.plan import check_playground, make_playground_plan
from vocabx.commands.playground.server import make_app
from vocabx.progress import Quiet

URL = "http://127.0.0.1:8765"


@pytest.fixture(scope="session")
def plan_of():
    """A function that makes the plan of a directory; options are those of `PlaygroundOptions`."""

    def plan(directory, **options):
        given = PlaygroundOptions(directory=directory, **options)
        return make_playground_plan(given, check_playground(given), Quiet())

    return plan


@pytest.fixture(scope="session")
def client_of():
    return lambda plan: TestClient(make_app(plan), base_url=URL)


@pytest.fixture(scope="session")
def plan(plan_of, small_extended):
    return plan_of(small_extended())


@pytest.fixture(scope="session")
def client(client_of, plan):
    return client_of(plan)
