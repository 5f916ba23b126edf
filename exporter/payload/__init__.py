"""Bytes of the bank's answers to operations: pure, exact, and proof against whatever an answer may hold."""

from exporter.payload.page import Decoder, ErrorBody, Unreadable, decode

__all__ = ["Decoder", "ErrorBody", "Unreadable", "decode"]
