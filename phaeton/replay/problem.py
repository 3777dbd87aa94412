"""What is wrong with a command about recordings."""


class UsageError(ValueError):
    """The command line asks for something that cannot be; the message says what would be right."""
