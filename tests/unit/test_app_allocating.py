"""One heap for all threads, where the C library knows of it."""

import platform
from types import SimpleNamespace

import pytest

from exporter.app.allocating import use_one_heap


def test_a_library_that_has_the_call_is_told_one_arena() -> None:
    told: list[tuple[int, int]] = []

    def mallopt(parameter: int, value: int) -> int:
        told.append((parameter, value))
        return 1

    assert use_one_heap({}, SimpleNamespace(mallopt=mallopt))
    assert told == [(-8, 1)]
    assert not use_one_heap({}, SimpleNamespace(mallopt=lambda *_: 0))


def test_a_library_without_the_call_is_left_alone() -> None:
    assert not use_one_heap({}, SimpleNamespace())


def test_who_has_decided_it_in_the_environment_is_obeyed() -> None:
    assert not use_one_heap({"MALLOC_ARENA_MAX": "4"})
    assert not use_one_heap({"GLIBC_TUNABLES": "glibc.malloc.check=0:glibc.malloc.arena_max=4"})


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_glibc_does_as_it_is_told() -> None:
    assert use_one_heap({})
