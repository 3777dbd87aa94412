"""Whether a profile is founded well enough to write by it."""

from __future__ import annotations

from phaeton.profiles.schema import Profile


def unproven(profile: Profile) -> str:
    """Why a charger of this profile is only read until its owner confirms it; empty when it may be written to."""
    confidence = profile.evidence.confidence
    if confidence == "high":
        return ""
    return (
        f"the profile {profile.id} is of {confidence} confidence, so this charger is only read and nothing is written "
        f"to it: try it out with `phaeton probe HOST --profile {profile.id} --exercise` while a car charges, and set "
        "profile_confirmed: true for this charger to let Phaeton control it"
    )
