"""What the exporter says over HTTP: metrics, health, and a page for people."""

from exporter.web.application import create_app
from exporter.web.protection import Protection
from exporter.web.server import AddressUnusable, bind, serve

__all__ = ["AddressUnusable", "Protection", "bind", "create_app", "serve"]
