"""The kinds of events that a ticket's history holds; the values are the stored words."""

from __future__ import annotations

from desk.text.stored_word import StoredWord


class EventKind(StoredWord):
    """What one event of a ticket says. A dry run names actions that have not happened by a word of their own."""

    OPENED = "opened"
    REQUESTER_REPLIED = "requester_replied"
    REPLIED = "replied"
    NOTED = "noted"
    AUTOMATIC_KEPT = "automatic_kept"
    UNVERIFIED_NOTE = "unverified_note"
    NOT_PERMITTED = "not_permitted"
    MESSAGE_EDITED = "message_edited"
    MESSAGE_WITHDRAWN = "message_withdrawn"
    FILE_FETCHED = "file_fetched"
    FILE_MISSING = "file_missing"
    MENTIONED = "mentioned"

    REPLY_SCHEDULED = "reply_scheduled"
    REPLY_UNDONE = "reply_undone"
    REPLY_RETURNED = "reply_returned"
    UNDELIVERABLE = "undeliverable"
    DELIVERY_FAILED = "delivery_failed"
    DELIVERY_DELAYED = "delivery_delayed"

    STATUS_CHANGED = "status_changed"
    REOPENED = "reopened"
    NOT_RESOLVED = "not_resolved"
    RESOLUTION_SET = "resolution_set"
    SNOOZED = "snoozed"
    WOKEN = "woken"
    REMINDED = "reminded"

    ASSIGNED = "assigned"
    TEAM_CHANGED = "team_changed"
    UNROUTABLE = "unroutable"
    UNROUTABLE_ESCALATED = "unroutable_escalated"
    OPENED_ANYWAY = "opened_anyway"

    PRIORITY_CHANGED = "priority_changed"
    CATEGORY_CHANGED = "category_changed"
    CATEGORY_CONFIRMED = "category_confirmed"
    TAGGED = "tagged"
    UNTAGGED = "untagged"
    FIELD_CHANGED = "field_changed"
    ANSWER_NOT_KEPT = "answer_not_kept"
    REQUESTER_CHANGED = "requester_changed"

    COPY_ADDED = "copy_added"
    COPY_REMOVED = "copy_removed"
    COPY_SUGGESTED = "copy_suggested"
    WATCHED = "watched"
    UNWATCHED = "unwatched"
    ALIAS_SEEN = "alias_seen"

    LINKED = "linked"
    UNLINKED = "unlinked"
    PARENT_CHANGED = "parent_changed"
    MERGED_INTO = "merged_into"
    MERGED_FROM = "merged_from"
    UNMERGED = "unmerged"
    SPLIT = "split"
    SPLIT_UNDONE = "split_undone"

    SIDE_OPENED = "side_opened"
    SIDE_SENT = "side_sent"
    SIDE_ANSWERED = "side_answered"
    SIDE_CLOSED = "side_closed"
    SIDE_REOPENED = "side_reopened"

    SLA_WARNED = "sla_warned"
    SLA_BREACHED = "sla_breached"
    SLA_ESCALATED = "sla_escalated"

    AUTOMATION_FIRED = "automation_fired"
    AUTOMATION_FAILED = "automation_failed"
    AUTOMATIONS_CAPPED = "automations_capped"
    NOTICE_ASKED = "notice_asked"

    INCIDENT_OPENED = "incident_opened"
    INCIDENT_JOINED = "incident_joined"
    INCIDENT_LEFT = "incident_left"
    INCIDENT_DISMISSED = "incident_dismissed"
    INCIDENT_ORDER_FAILED = "incident_order_failed"

    ARTICLE_DRAFTED = "article_drafted"
    RATING_ASKED = "rating_asked"
    RATING_REMINDED = "rating_reminded"
    RATED = "rated"
    ERASED = "erased"
