"""What a person reads who is asked whether to retrain."""

from __future__ import annotations

from upkeep.core.markdown import as_text

#: Filters that `WHY` needs; a DAG's `user_defined_filters`.
FILTERS = {"as_text": as_text}
#: Body of the request, a template; each event's text is shown as text, whatever it says.
WHY = """{% for events in triggering_asset_events.values() %}{% for event in events %}
{{ event.extra["sentence"] | as_text }} Decision {{ event.extra["decision"] | as_text }}, to be tried:
{{ event.extra["recipes"] | map(attribute="name") | join(", ") | as_text }}.
{% endfor %}{% endfor %}"""
