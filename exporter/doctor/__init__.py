"""`check --online`: settles what the bank's documentation leaves open, against the live API and read-only."""

from exporter.doctor.examination import Doctor
from exporter.doctor.finding import AccountReport, Finding, Verdict, exit_code
from exporter.doctor.inquiry import CAP
from exporter.doctor.rendering import as_json, as_text, snippet

__all__ = ["CAP", "AccountReport", "Doctor", "Finding", "Verdict", "as_json", "as_text", "exit_code", "snippet"]
