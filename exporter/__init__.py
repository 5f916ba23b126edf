"""Prometheus exporter for card-to-card transfers at Halyk Bank's ePay."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("epay-exporter")
except PackageNotFoundError:  # run from a bare checkout
    __version__ = "0.0.0+checkout"
