"""Who may use the page and the API."""
