"""Tests here write thousands of small files: they need not wait for the disk each time."""

import os

import pytest


@pytest.fixture(autouse=True)
def quick_disk(monkeypatch, request):
    if not request.node.get_closest_marker("slow"):
        monkeypatch.setattr(os, "fsync", lambda descriptor: None)
