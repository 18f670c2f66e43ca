"""A camera's zones and masks as they were drawn in the page."""

from itertools import pairwise
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator


def _rounded(value: float) -> float:
    return round(value, 4)  # a seventh of a pixel of 1280, and never written as 1e-05, which is no number to YAML 1.1


_Coordinate = Annotated[float, Field(ge=-9, le=9), AfterValidator(_rounded)]
"""Loosely bounded: the settings' own loader says what is wrong with a place outside of the picture."""


class _Drawn(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Mask(_Drawn):
    """``was``: its index in the file; None for a new one."""

    was: Annotated[int, Field(ge=0)] | None = None
    polygon: Annotated[list[tuple[_Coordinate, _Coordinate]], Field(max_length=200)]


class Zone(Mask):
    """A zone as drawn; whether it can be one, the settings' own loader says."""

    name: Annotated[str, Field(max_length=200)]
    workers: int | None = None


class Floor(_Drawn):
    """All zones and masks of one camera: those of the file that are kept, in its order, then the new ones."""

    zones: Annotated[list[Zone], Field(max_length=100)]
    masks: Annotated[list[Mask], Field(max_length=100)]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        for drawn in (self.zones, self.masks):
            kept = [each.was for each in drawn if each.was is not None]
            first = [each.was for each in drawn[: len(kept)]]
            if first != kept or any(later <= earlier for earlier, later in pairwise(kept)):
                raise ValueError("what the file holds comes first, in its order")
        return self
