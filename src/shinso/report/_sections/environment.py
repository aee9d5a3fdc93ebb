"""Where the run ran: what someone else needs to get the same numbers."""

from shinso.record import Record
from shinso.report._markup import Section, definitions
from shinso.report._optional import happened


def section(record: Record) -> Section | None:
    """Versions, device and machine as recorded."""
    environment = happened(record, "environment")
    return Section("environment", "Environment", definitions(environment)) if environment else None
