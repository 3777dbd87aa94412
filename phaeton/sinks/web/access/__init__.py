"""Who may use the page and the API: password, logins, tokens, throttles and the log of changes. No web library here."""

from phaeton.sinks.web.access.access import Access
from phaeton.sinks.web.access.audit import Audit, Entry
from phaeton.sinks.web.access.files import AccessFiles
from phaeton.sinks.web.access.tokens import TOKEN_SCOPES, Token, TokenScope

__all__ = ["TOKEN_SCOPES", "Access", "AccessFiles", "Audit", "Entry", "Token", "TokenScope"]
