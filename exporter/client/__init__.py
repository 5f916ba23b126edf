"""One account at the bank: login, pages, retries, rate budget."""

from exporter.client.epay import EpayClient
from exporter.client.transport import http_client, set_timeout

__all__ = ["EpayClient", "http_client", "set_timeout"]
