"""The bank that tests and demos talk to: its documented API over HTTP, over a seeded world that knows its own truth.

Nothing here is shared with the pipeline, so that a mistake there cannot hide behind the same mistake here.
"""
