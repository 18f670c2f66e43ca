"""Where a site's settings make its counts tell about one person, as far as settings can show it."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from edge_agent.settings import PrivacySettings, Settings

FEW: Final = 3
"""Of two people each can subtract their own; from three on nobody's figure follows from another's."""
DEFAULTS: Final = PrivacySettings()


class Weakness(NamedTuple):
    """What is told of whom, and what to change."""

    what: str
    fix: str


def weaknesses(settings: Settings) -> Iterator[Weakness]:
    """What `config check`, `doctor` and the start of the agent warn of."""
    yield from _small_pools(settings.privacy)
    for camera in settings.cameras:
        uncounted = [zone.name for zone in camera.zones if zone.workers is None] if camera.zones else [camera.name]
        if uncounted:
            yield Weakness(
                f"nobody has said how many people work in {', '.join(uncounted)}: where one works alone, "
                "the counts are that person's",
                "give each zone its `workers`",
            )
        for zone in camera.zones:
            if zone.workers is not None and zone.workers < FEW:
                yield Weakness(
                    f"zone {zone.name} has {zone.workers} at work: its counts tell about them, whatever is left out",
                    "make it part of a larger zone, or do not measure it",
                )


def _small_pools(privacy: PrivacySettings) -> Iterator[Weakness]:
    if privacy.min_lifts < DEFAULTS.min_lifts:
        yield Weakness(
            f"lifts leave by {privacy.min_lifts}, which tells more of single ones than by {DEFAULTS.min_lifts}",
            f"set privacy.min_lifts to {DEFAULTS.min_lifts} or more",
        )
    if privacy.bucket_s < DEFAULTS.bucket_s:
        yield Weakness(
            f"times are rounded to {privacy.bucket_s} s only: a rota or a camera of somebody else's tells the person",
            f"set privacy.bucket_s to {DEFAULTS.bucket_s} or more",
        )
