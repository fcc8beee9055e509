"""What the models of the fleet file share."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A mapping of the fleet file: unknown keys are refused, and nothing changes once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, hide_input_in_errors=True)


class Role(StrEnum):
    """What a cluster is for."""

    CONTROL_PLANE = "control-plane"
    HOST = "host"
    MEMBER = "member"
