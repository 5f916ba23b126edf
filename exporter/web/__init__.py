"""What the exporter says over HTTP: metrics, health, and a page for people."""

from exporter.web.application import create_app
from exporter.web.protection import Protection
from exporter.web.server import AddressUnusable, bind, serve
from exporter.web.status import Refusal

__all__ = ["AddressUnusable", "Protection", "Refusal", "bind", "create_app", "serve"]
