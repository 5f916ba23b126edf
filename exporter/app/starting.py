"""What keeps a command from beginning its work."""


class StartFailed(Exception):
    """It cannot start; the text is one line that says why and what to do."""
