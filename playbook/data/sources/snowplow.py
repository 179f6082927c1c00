"""Snowplow's `atomic.events`, mapped by the names that its columns have everywhere.

A product names its table; what else it writes in the map overrides the preset:

    source: snowplow
    tables:
      events: [{table: events}]

`at` is the device's clock (`dvce_created_tstamp`), the only one that keeps the order of what one
device did: trackers send in batches, so that the collector's clock gives one time to events
minutes apart, and what was done offline the time of the next connection; the pipeline's clock
(`etl_tstamp`) says nothing about people. A device's clock may be wrong, and how far off it is
shows beside `sent_at` and `received_at`. Where wrong clocks matter more than a clock that is one
per device, map `at: derived_tstamp`, the vendor's own correction.

`source` is `platform` (web, mob, srv …), which the tracker protocol demands and `app_version`
(the tracker's version) belongs to; `app_id` is optional and often null: map `source: app_id`
where every program sets one.

Of rows that share an event id, the vendor keeps the one that the collector received first, and
so does the load of every source.
"""

from __future__ import annotations

from playbook.data.mapping import Source

PRESET = {
    "event_id": ("event_id",),
    "user_id": ("user_id",),
    "anonymous_id": ("domain_userid",),
    "session_id": ("domain_sessionid",),
    "event": ("event_name", "event"),
    "at": ("dvce_created_tstamp",),
    "sent_at": ("dvce_sent_tstamp",),
    "received_at": ("collector_tstamp",),
    "source": ("platform",),
    "app_version": ("v_tracker",),
    "user_agent": ("useragent",),
}
# The hundred and more columns that every `atomic.events` has are no gap in a plan.
SOURCE = Source("Snowplow", preset=PRESET, own=("unstruct_event_", "contexts_"))
