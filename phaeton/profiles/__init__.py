"""Chargers as data: load a profile, plan its reads, decode what comes back, and turn setpoints into register writes.

Everything here is pure: no sockets, no clock.
"""

from phaeton.profiles.control import RegisterWrite, Setpoint, Step, Until, Wait, keepalive_s, phase_steps, steps_for
from phaeton.profiles.load import ProfileError, load_profile
from phaeton.profiles.plan import Block, Place, blocks_for, blocks_of, place_of, port_of
from phaeton.profiles.proof import unproven
from phaeton.profiles.reading import agreement, identity_of, implausible, in_range, reading_of, serial_of
from phaeton.profiles.schema import Profile, Transport, Value

__all__ = [
    "Block",
    "Place",
    "Profile",
    "ProfileError",
    "RegisterWrite",
    "Setpoint",
    "Step",
    "Transport",
    "Until",
    "Value",
    "Wait",
    "agreement",
    "blocks_for",
    "blocks_of",
    "identity_of",
    "implausible",
    "in_range",
    "keepalive_s",
    "load_profile",
    "phase_steps",
    "place_of",
    "port_of",
    "reading_of",
    "serial_of",
    "steps_for",
    "unproven",
]
