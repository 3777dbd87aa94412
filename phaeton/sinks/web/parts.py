"""What the daemon gives to the web: how orders are taken, what is kept, how things fare, and what can be done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from phaeton.config.tree import Config
from phaeton.model import Submit, Zone
from phaeton.sinks.web.access import Access
from phaeton.sinks.web.backups import Backups
from phaeton.sinks.web.finder import Finder
from phaeton.sinks.web.inspection import Inspection
from phaeton.sinks.web.notices import Notices
from phaeton.sinks.web.past import Kept, Minutes
from phaeton.sinks.web.recordings import Recordings
from phaeton.sinks.web.settings import Settings
from phaeton.sinks.web.simulations import Simulations
from phaeton.sinks.web.status import Diagnostics
from phaeton.sinks.web.support import Support
from phaeton.sinks.web.trials import Trials
from phaeton.sinks.web.updates import Installation, Updates
from phaeton.sinks.web.vehicles import CarActions


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The parts behind the API; what is None is not there and its endpoints say so."""

    submit: Submit
    sessions: Kept
    diagnostics: Callable[[], Diagnostics]
    cars: CarActions | None = None
    access: Access | None = None
    """Who may; None = nothing is kept and nobody has a password."""
    minutes: Minutes | None = None
    zone: Callable[[], Zone] = Zone
    """The site's wall clock."""
    config: Callable[[], Config] | None = None
    """The configuration in force."""
    simulations: Simulations | None = None
    installation: Installation | None = None
    updates: Updates | None = None
    """What can replace the program; None = its installation is updated by other means."""
    settings: Settings | None = None
    """The configuration, where it can be changed."""
    trials: Trials | None = None
    """Where settings can be tried before they are saved."""
    backups: Backups | None = None
    inspection: Inspection | None = None
    """A look inside; None where there is no daemon around."""
    recordings: Recordings | None = None
    finder: Finder | None = None
    """Looks for chargers at the first start."""
    notices: Notices | None = None
    """Who tells events to the outside."""
    support: Support | None = None
