"""An account with one device, for the benchmarks."""

from __future__ import annotations

from blindtally import Agent, Identity, Kdf, Owner


def agent() -> Agent:
    """What a new device holds once its owner has approved it. Small RSA keys: nothing here measures them."""
    owner, _ = Owner.create(
        "bench@example.com",
        "correct horse battery staple",
        kdf=Kdf.pbkdf2(600_000),
        identity=Identity.generate(2048),
    )
    with owner:
        pending, request = Agent.enroll(owner.issue_ticket(), "bench", identity=Identity.generate(2048))
        verified = owner.inspect(request)
        return pending.accept(owner.approve(verified).committed().delivery)
