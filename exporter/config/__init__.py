"""YAML and environment in, a frozen Config out; all errors at once."""
