"""What the package does, once through, on an interpreter that has nothing but the package."""

import sys

import blindtally
from blindtally import Agent, BlindtallyError, Identity, Kdf, Owner, TokenClass

assert sys.prefix in blindtally.__file__, f"{blindtally.__file__} is not the installed package"

small = Identity.generate(2048)
password = "correct horse battery staple"
owner, change = Owner.create("anna@example.com", password, kdf=Kdf.pbkdf2(600_000), identity=small)
assert change.vault
with owner:
    pending, request = Agent.enroll(owner.issue_ticket(), "laptop", identity=Identity.generate(2048))
    with pending.accept(owner.approve(owner.inspect(request)).committed().delivery) as agent:
        values = ["winword.exe", "Über.docx", "winword.exe", "日本語 🦀"]
        tokens = agent.tokenize_many(TokenClass.APP, values)
        assert len(set(tokens)) == 3 and tokens[0] == tokens[2]
        assert owner.reveal_many(tokens) == values
        assert owner.reveal_text(f"<{tokens[0]}>") == "<winword.exe>"
    try:
        agent.tokenize(TokenClass.APP, "late")
        raise AssertionError("a closed agent tokenizes")
    except BlindtallyError as error:
        assert error.code == "python.closed"
