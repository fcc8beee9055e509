"""When shifts begin, as the fleet file says it."""

from __future__ import annotations

import re
from datetime import time
from typing import Annotated, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator

from .sections import Section

WRITTEN = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]\Z")


def _time_of_day(value: object) -> time:
    if isinstance(value, time):
        return value
    if not isinstance(value, str) or not WRITTEN.match(value):
        raise ValueError('is not a time of day: write it in quotes, like "08:00"')
    return time.fromisoformat(value)


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{value[:40]!r} is no time zone like Europe/Prague") from error
    return value


TimeOfDay = Annotated[
    time,
    BeforeValidator(_time_of_day),
    PlainSerializer(lambda moment: f"{moment:%H:%M}", return_type=str),
    WithJsonSchema({"$comment": '`"HH:MM"`', "type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"}),
]
Zone = Annotated[str, Field(min_length=1, max_length=100, json_schema_extra={"$comment": "time zone"})]


class Shifts(Section):
    """When shifts begin; each lasts until the next one begins."""

    zone: Annotated[Zone, AfterValidator(_zone)] = Field(
        default="UTC", description="Time zone of the times, by its name in the tz database, like `Europe/Prague`."
    )
    starts: tuple[TimeOfDay, ...] = Field(
        description='Times of day at which a shift begins, each in quotes: `["08:00", "20:00"]`.'
    )

    @model_validator(mode="after")
    def _some_each_once(self) -> Self:
        if not self.starts:
            raise ValueError("'starts' must not be empty")
        if len(set(self.starts)) < len(self.starts):
            raise ValueError("'starts' has a time twice")
        return self
