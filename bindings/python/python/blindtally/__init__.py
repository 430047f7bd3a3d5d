"""End-to-end encryption for activity data that a blind service can still count, group and sort."""

from ._blindtally import (
    Agent,
    AgentStatus,
    BlobClass,
    Column,
    Identity,
    OpeningKeys,
    Owner,
    PendingAgent,
    Policy,
    RecordClass,
    Restored,
    Ticket,
    TokenClass,
    error_codes,
    load_agent,
)
from .errors import BlindtallyError

__all__ = [
    "Agent",
    "AgentStatus",
    "BlindtallyError",
    "BlobClass",
    "Column",
    "Identity",
    "OpeningKeys",
    "Owner",
    "PendingAgent",
    "Policy",
    "RecordClass",
    "Restored",
    "Ticket",
    "TokenClass",
    "error_codes",
    "load_agent",
]
