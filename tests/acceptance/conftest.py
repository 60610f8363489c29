"""The embedded model on real clips: what a release stands for."""

import pytest

import nvczoo


@pytest.fixture(scope="session")
def codec() -> nvczoo.VideoCodec:
    return nvczoo.load("ev-nvc-s")
