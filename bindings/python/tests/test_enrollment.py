"""Devices asking for keys: with a ticket, or with codes that a person compares."""

from __future__ import annotations

from datetime import timedelta, timezone

import pytest
from accounts import LATER, NOW, enrolling, identity, new_owner, refused
from blindtally import (
    Agent,
    ClosedError,
    ComparisonRequest,
    EnrollmentError,
    MalformedError,
    Owner,
    OwnerError,
    Ticket,
    TokenClass,
    VerifiedRequest,
)


@pytest.fixture
def owner() -> Owner:
    return new_owner()[0]


def test_a_ticket_survives_its_text_and_its_link(owner):
    ticket = owner.issue_ticket(3, timedelta(hours=2), now=NOW)
    for text in (ticket.to_text(), ticket.to_link(), f"  {ticket.to_text()}\n", ticket.to_text().encode()):
        read = Ticket.parse(text)
        assert (read.id, read.account, read.uses) == (ticket.id, owner.account, 3)
        assert read.expiry == NOW + timedelta(hours=2) and read.expiry.tzinfo is timezone.utc
        assert read.authenticator_hash() == ticket.authenticator_hash()
    assert ticket.to_link().startswith("blindtally:btt1_") and len(ticket.authenticator_hash()) == 32
    text = ticket.to_text()
    mistyped = text[:-8] + ("A" if text[-8] != "A" else "B") + text[-7:]
    assert isinstance(refused("malformed.checksum", Ticket.parse, mistyped), MalformedError)
    assert ticket.id in repr(ticket) and text[100:] not in repr(ticket)


def test_a_ticket_lives_no_longer_than_it_may(owner):
    assert owner.issue_ticket(now=NOW).expiry == NOW + timedelta(days=7)
    assert owner.issue_ticket(uses=2, now=NOW).expiry == NOW + timedelta(days=1)
    assert owner.issue_ticket(lifetime=timedelta(days=30), now=NOW).uses == 1
    for uses, lifetime in [(1, timedelta(days=31)), (2, timedelta(hours=25)), (1, timedelta(0)), (1, timedelta.max)]:
        assert isinstance(refused("ticket.lifetime", owner.issue_ticket, uses, lifetime), OwnerError)
    refused("python.value", owner.issue_ticket, 1, timedelta(hours=-1))
    refused("malformed.value", owner.issue_ticket, 0)
    refused("malformed.value", owner.issue_ticket, 51)
    refused("python.value", owner.issue_ticket, 65_536)
    refused("python.type", owner.issue_ticket, 1, 3600)


def test_a_device_with_a_ticket_gets_its_keys(owner):
    pending, request = enrolling(owner, name="Anna's laptop")
    verified = owner.inspect(request, now=NOW)
    assert isinstance(verified, VerifiedRequest)
    assert (verified.device_id, verified.name, verified.ticket_uses) == (pending.device_id, "Anna's laptop", 1)
    change = owner.approve(verified, now=NOW)
    agent = pending.accept(change.committed().delivery)
    assert owner.reveal(agent.tokenize(TokenClass.APP, "a")) == "a"
    (device,) = owner.devices
    assert (device.id, device.name, device.status) == (agent.device_id, "Anna's laptop", "active")
    assert device.confirmed_at == NOW and device.confirmed_at.tzinfo is timezone.utc
    assert device.code == pending.device_code and device.fingerprint == identity("device1").fingerprint


def test_a_request_is_approved_once_and_stays_readable(owner):
    pending, request = enrolling(owner)
    verified = owner.inspect(request, now=NOW)
    owner.approve(verified, now=NOW)
    assert isinstance(refused("python.closed", owner.approve, verified), ClosedError)
    assert verified.device_id == pending.device_id and verified.name == "laptop"
    # The same request again delivers again.
    again = owner.approve(owner.inspect(request, now=LATER), now=LATER)
    assert pending.accept(again.committed().delivery).device_id == pending.device_id


def test_a_closed_owner_uses_no_request_up(owner):
    _, request = enrolling(owner)
    verified = owner.inspect(request, now=NOW)
    other, _ = new_owner()
    other.close()
    refused("python.closed", other.approve, verified)
    assert owner.approve(verified, now=NOW).committed().delivery


def test_a_ticket_is_spent_by_its_first_device(owner):
    ticket = owner.issue_ticket(now=NOW)
    requests = [Agent.enroll(ticket, name, identity=identity(name))[1] for name in ("device1", "device2")]
    first, second = (owner.inspect(request, now=NOW) for request in requests)
    owner.approve(first, now=NOW)
    assert isinstance(refused("ticket.spent", owner.inspect, requests[1], now=NOW), EnrollmentError)
    assert isinstance(refused("ticket.spent", owner.approve, second, now=NOW), OwnerError)


def test_an_expired_or_cancelled_ticket_is_no_good(owner):
    ticket = owner.issue_ticket(now=NOW)
    _, request = Agent.enroll(ticket, "laptop", identity=identity("device1"))
    refused("ticket.expired", owner.inspect, request, now=NOW + timedelta(days=7))
    assert owner.cancel_ticket(ticket.id, now=NOW).committed().deliveries == []
    refused("ticket.cancelled", owner.inspect, request, now=NOW)


def test_what_does_not_belong_to_the_account_is_refused(owner):
    stranger, _ = new_owner()
    _, request = enrolling(stranger)
    assert isinstance(refused("enrollment.other-account", owner.inspect, request), EnrollmentError)
    assert isinstance(refused("malformed.truncated", owner.inspect, b""), EnrollmentError)
    _, request = enrolling(owner)
    refused("enrollment.signature", owner.inspect, request[:-1] + bytes([request[-1] ^ 1]))


def test_without_a_ticket_a_person_types_the_code_that_the_device_shows(owner):
    pending, request = Agent.enroll_by_code(owner.account_code, identity=identity("device1"))
    other, _ = Agent.enroll_by_code(owner.account_code, identity=identity("device2"))
    comparison = owner.inspect(request, now=NOW)
    assert isinstance(comparison, ComparisonRequest) and comparison.device_id == pending.device_id
    assert isinstance(refused("enrollment.code", comparison.confirm, other.device_code, "laptop"), EnrollmentError)
    refused("enrollment.code", comparison.confirm, "", "laptop")
    refused("enrollment.name", comparison.confirm, pending.device_code, "")
    # Whoever mistyped it types it again.
    verified = comparison.confirm(pending.device_code.lower().replace("-", " "), "laptop")
    assert (verified.name, verified.ticket_uses, verified.device_id) == ("laptop", None, pending.device_id)
    assert pending.accept(owner.approve(verified, now=NOW).committed().delivery).account == owner.account


def test_arguments_of_a_wrong_type_have_a_code(owner):
    _, request = Agent.enroll_by_code(owner.account_code, identity=identity("device1"))
    comparison = owner.inspect(request)
    for wrong in (None, 7, b"bytes", object()):
        refused("python.type", comparison.confirm, wrong, "laptop")
        refused("python.type", comparison.confirm, "code", wrong)
        refused("python.type", owner.approve, wrong)
    for wrong in (None, 7, "text", object()):
        refused("python.type", owner.inspect, wrong)
    for made in (Ticket, VerifiedRequest, ComparisonRequest):
        with pytest.raises(TypeError):
            made()


def test_a_request_that_needs_a_comparison_is_not_approved_as_it_is(owner):
    _, request = Agent.enroll_by_code(owner.account_code, identity=identity("device1"))
    refused("enrollment.needs-comparison", owner.approve, owner.inspect(request))
