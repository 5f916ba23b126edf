"""One account at the bank: login, pages, retries, rate budget."""

from exporter.client.epay import EpayClient
from exporter.client.ways import http_client, http_clients, own_client, set_timeout

__all__ = ["EpayClient", "http_client", "http_clients", "own_client", "set_timeout"]
