# frozen_string_literal: true

require_relative "helper"

# Everything that an account does, from its creation to its recovery.
class TestFlow < BlindtallyTest
  def test_a_value_goes_from_an_agent_to_the_owner_and_back
    owner, change = new_owner
    assert_equal [0, change.generation], [change.expected, owner.generation]
    agent = enrolled(owner)
    token = agent.tokenize(:app, "winword.exe")
    assert_match(/\Abt1_[A-Za-z0-9_-]{48}\z/, token)
    assert_equal token, agent.tokenize(:app, "winword.exe")
    refute_equal token, agent.tokenize(:title, "winword.exe")
    assert_equal "winword.exe", owner.reveal(token)
    assert_equal Encoding::UTF_8, owner.reveal(token).encoding
    assert_equal token, owner.tokenize_typed(:app, "winword.exe")
    assert_equal 32, Blindtally.token_index(token).size
    assert_equal owner.account, agent.account
    device = owner.devices.first
    assert_equal [agent.device_id, "laptop", true], [device.id, device.name, device.active?]
    assert_equal NOW, device.confirmed_at
    assert_equal({ kind: :encrypted, policy_version: owner.policy.version, epoch: 1 }, agent.status.to_h)
    assert_equal owner.policy, agent.policy
  end

  def test_many_values_in_one_call_are_the_tokens_of_each
    owner, agent = shared
    values = ["", "a", "ü", "😀", "שלום", "e\u0301", "a\0b", "x" * 4096, nil, "a"]
    tokens = agent.tokenize_many(:title, values)
    assert_equal(values.map { |value| value && agent.tokenize(:title, value) }, tokens)
    assert_equal values, owner.reveal_many(tokens)
    assert_equal values, owner.reveal_many(tokens.each)
    assert_equal [], agent.tokenize_many(:title, [])
    assert(owner.reveal_many(tokens).compact.all? { |value| value.encoding == Encoding::UTF_8 && value.valid_encoding? })
  end

  def test_each_refused_item_of_a_batch_is_treated_as_asked
    owner, agent = shared
    values = ["a", "x" * 4097, nil, "\xFF", 7, "b"]
    assert_equal 1, refused("tokenize.too-long", TokenizeError) { agent.tokenize_many(:app, values) }.index
    assert_equal 0, refused("binding.utf8") { agent.tokenize_many(:app, values[3..]) }.index
    good = agent.tokenize(:app, "a")
    assert_equal [good, nil, nil, nil, nil, agent.tokenize(:app, "b")], agent.tokenize_many(:app, values, errors: :nil)
    results = agent.tokenize_many(:app, values, errors: :return)
    assert_equal ["tokenize.too-long", "binding.utf8", "binding.value"], results.grep(Error).map(&:code)
    assert_equal [1, 3, 4], results.grep(Error).map(&:index)
    assert_nil results[2]
    alone = assert_raises(Error) { owner.reveal("bt1_x") }
    batched = owner.reveal_many([good, "bt1_x"], errors: :return)[1]
    assert_equal [alone.class, alone.code, alone.detail, 1], [batched.class, batched.code, batched.detail, batched.index]
  end

  def test_records_open_with_what_their_header_says
    owner, agent = shared
    record = agent.seal_record(:chat, "See you", at: 1234)
    opened = owner.open_record(record)
    assert_equal({ value: "See you", record_class: :chat, device: agent.device_id, seq: 1234, epoch: 1 }, opened.to_h)
    own = agent.seal_record(18, "own", at: Time.at(5))
    assert_equal [:chat, 5000], owner.open_record(own).to_h.values_at(:record_class, :seq)
    refused("record.no-key", RecordError) { agent.seal_record(192, "x") }
    results = owner.open_records([record, nil, "br1_x", own], errors: :return)
    assert_equal [opened, nil, RecordError, "own"], [results[0], results[1], results[2].class, results[3].value]
    assert_equal 2, refused(results[2].code, RecordError) { owner.open_records([record, nil, "br1_x"]) }.index
    refute_includes opened.inspect, "See you"
  end

  def test_text_shows_its_values_and_where_its_tokens_are
    owner, agent = shared
    token = agent.tokenize(:app, "excel.exe")
    text = "😀 ü #{token}, bt1_#{"A" * 48}"
    assert_equal "😀 ü excel.exe, bt1_#{"A" * 48}", owner.reveal_text(text)
    found = Blindtally.find_tokens(text).first
    assert_equal token, text[found.begin...found.end]
    assert_equal token, text.byteslice(found.byte_begin, token.bytesize)
  end

  def test_what_was_queued_before_the_keys_came_is_sealed_after
    owner, = new_owner
    pending, request = enrolling(owner)
    waiting = pending.queue(:app, "early.exe", at: NOW)
    state = pending.export_state(key: nil)
    pending = Agent.load(state)
    assert_instance_of PendingAgent, pending
    delivery = owner.approve(owner.inspect(request, now: NOW)).committed.delivery
    agent = pending.accept(delivery)
    assert_equal agent.tokenize(:app, "early.exe"), agent.dequeue(waiting)
    assert_equal :unchanged, agent.accept(delivery)
    assert_equal [32, 32], [agent.claim.bytesize, agent.claim_ticket.size]
  end

  def test_a_state_comes_back_wrapped_and_in_the_clear
    _, agent = shared
    token = agent.tokenize(:app, "x")
    key = "k" * 32
    wrapped = agent.export_state(key: key)
    assert_equal token, Agent.load(wrapped, key: key).tokenize(:app, "x")
    assert_equal token, Agent.from_state(agent.export_state(key: nil)) { |same| same.tokenize(:app, "x") }
    refused("state.wrapped", StateError) { Agent.load(wrapped) }
    refused("state.wrong-key", StateError) { Agent.load(wrapped, key: "l" * 32) }
    refused("binding.value", MisuseError) { Agent.load(wrapped, key: "k" * 31) }
    refused("state.not-wrapped", StateError) { Agent.load(agent.export_state(key: nil), key: key) }
  end

  def test_a_device_without_a_ticket_is_compared_by_a_person
    owner, = new_owner
    pending, request = Agent.enroll_by_code(owner.account_code.downcase, identity: identity("device2"))
    inspected = owner.inspect(request, now: NOW)
    refute_predicate inspected, :verified?
    refused("enrollment.code", EnrollmentError) { inspected.confirm("0" * 24, "desk") }
    refused("binding.value") { owner.approve(inspected) }
    verified = inspected.confirm(pending.device_code, "desk")
    assert_equal ["desk", nil, pending.device_id], [verified.name, verified.ticket_uses, verified.device_id]
    agent = pending.accept(owner.approve(verified).committed.delivery)
    assert_equal "x", owner.reveal(agent.tokenize(:label, "x"))
  end

  def test_tickets_are_read_as_written_spent_and_cancelled
    owner, = new_owner
    ticket = owner.issue_ticket(uses: 2, lifetime: 3600, now: NOW)
    assert_equal [2, NOW + 3600, owner.account], [ticket.uses, ticket.expiry, ticket.account]
    same = Ticket.parse(" #{ticket.to_link}\n")
    assert_equal [ticket.id, ticket.to_text, ticket.authenticator_hash], [same.id, same.to_text, same.authenticator_hash]
    _, request = Agent.enroll(same, "one", identity: identity("device1"))
    refused("ticket.expired") { owner.inspect(request, now: NOW + 7200) }
    owner.cancel_ticket(ticket.id, now: NOW)
    refused("ticket.cancelled") { owner.inspect(request, now: NOW) }
    refused("ticket.lifetime") { owner.issue_ticket(lifetime: 31 * 86_400) }
    refused("malformed.value") { owner.issue_ticket(uses: 0) }
  end

  def test_rotation_and_revocation_reach_the_agents
    owner, = new_owner
    first = enrolled(owner, "device1", "first")
    second = enrolled(owner, "device2", "second")
    old = first.tokenize(:app, "x")
    outbox = owner.rotate.committed
    assert_equal [first.device_id, second.device_id].sort, outbox.deliveries.keys.sort
    assert_nil outbox.delivery
    assert_equal :delivery_needed, first.apply_policy(outbox.policy)
    assert_equal :updated, first.accept(outbox.deliveries[first.device_id])
    assert_equal 2, first.status.epoch
    assert_equal owner.retokenize(old), first.tokenize(:app, "x")
    assert_equal %w[x x], owner.reveal_many([old, first.tokenize(:app, "x")])
    assert_equal :updated, second.accept(owner.redeliver(second.device_id).committed.delivery)
    outbox = owner.revoke(second.device_id).committed
    assert_equal [[second.device_id], [first.device_id]], [outbox.revoked, outbox.deliveries.keys]
    assert_equal :revoked, second.apply_policy(outbox.policy)
    assert_predicate second.status, :revoked?
    refused("agent.revoked", TokenizeError) { second.tokenize(:app, "x") }
    refused("owner.device-revoked", OwnerError) { owner.redeliver(second.device_id) }
    refused("owner.unknown-device", OwnerError) { owner.redeliver(UNKNOWN) }
    forged = outbox.deliveries.values.first.dup.tap { |delivery| delivery.setbyte(-1, delivery.getbyte(-1) ^ 1) }
    refused("accept.refused", AcceptError) { first.accept(forged) }
    assert_equal :updated, first.accept(outbox.deliveries.values.first)
    refused("malformed.truncated", AcceptError) { first.accept("BT") }
    assert_equal [second.device_id], owner.policy.revoked
  end

  def test_agents_bring_values_into_the_form_that_the_policy_sets
    owner, = new_owner
    agent = enrolled(owner)
    assert_equal :updated, agent.apply_policy(owner.set_canonical_form(:app, :ascii_lowercase).committed.policy)
    assert_equal "winword.exe", owner.reveal(agent.tokenize(:app, "WinWord.EXE"))
    form = agent.policy.classes.find { |entry| entry.sealed_class == :app }
    assert_equal({ kind: :token, sealed_class: :app, form: :ascii_lowercase }, form.to_h)
  end

  def test_a_login_opens_the_vault_and_refuses_what_is_wrong
    secret = AccountSecret.generate
    owner, change = new_owner(account_secret: secret)
    same = AccountSecret.parse(secret.to_text.downcase.delete("-"))
    login = Login.start(" ANNA@example.com".strip, PASSWORD.b, owner.prelogin, account_secret: same)
    assert_equal owner.login_proof, login.proof
    refused("unlock.rolled-back", UnlockError) { login.unlock(change.vault, seen: change.generation + 1) }
    refute_predicate login, :closed?
    assert_equal owner.fingerprint, login.unlock(change.vault, &:fingerprint)
    assert_predicate login, :closed?
    refused("binding.closed", ClosedError) { login.unlock(change.vault) }
    Login.start(LOGIN, "wrong password", owner.prelogin, account_secret: same) do |wrong|
      refused("unlock.wrong", UnlockError) { wrong.unlock(change.vault) }
    end
    weak = Prelogin.new(kdf: Kdf.pbkdf2(iterations: 1), salt: owner.prelogin.salt, account: owner.account)
    refused("kdf.below-floor") { Login.start(LOGIN, PASSWORD, weak) }
    kept = owner.keep_unlocked
    assert_equal owner.account, Login.resume(LOGIN, kept, owner.prelogin).unlock(change.vault, &:account)
    refused("unlock.kept-login", UnlockError) { Login.resume("else@example.com", kept, owner.prelogin) }
    assert_equal "anna@example.com", Blindtally.normal_login_name("ANNA@example.com")
  end

  def test_a_changed_password_replaces_the_old_one
    owner, change = new_owner
    changed = owner.change_password("a new password", kdf: CHEAP)
    refute_equal changed.old_proof, changed.new_proof
    assert_equal change.generation, changed.change.expected
    Login.start(LOGIN, "a new password", changed.prelogin) do |login|
      assert_equal changed.new_proof, login.proof
      assert_equal owner.account, login.unlock(changed.change.vault, &:account)
    end
  end

  def test_two_clients_of_an_account_merge_what_each_did
    owner, change = new_owner
    other = again(owner, change.vault)
    assert_equal :same, owner.sync(change.vault)
    agent = enrolled(owner)
    theirs = other.cancel_ticket(other.issue_ticket.id)
    union = owner.sync(theirs.vault)
    assert_instance_of Change, union
    assert_equal :adopted, other.sync(union.vault)
    assert_equal [agent.device_id], other.devices.map(&:id)
    refused("unlock.wrong", UnlockError) { owner.sync(union.vault.dup.tap { |vault| vault.setbyte(-1, vault.getbyte(-1) ^ 1) }) }
  end

  def test_backups_open_and_become_an_account_again
    owner, change = new_owner
    agent = enrolled(owner)
    token = agent.tokenize(:app, "x")
    locked = Backup.parse("mail\r\n#{owner.backup_with_passphrase("a passphrase", kdf: CHEAP).to_text}--\n")
    assert_equal [:passphrase, owner.account], [locked.lock, locked.account]
    refused("unlock.wrong", UnlockError) { locked.open_with_passphrase("another") }
    assert_equal "x", locked.open_with_passphrase("a passphrase") { |keys| keys.reveal(token) }
    backup, key = owner.backup_with_recovery_key
    assert_equal :recovery_key, backup.lock
    refused("unlock.needs-recovery-key", UnlockError) { backup.open_with_passphrase("a passphrase") }
    restored = backup.open_with_recovery_key(RecoveryKey.parse(key.to_text.downcase))
    assert_equal owner.recovery_proof, restored.recovery_proof
    refused("password.invalid", CredentialError) { Owner.restore(restored, LOGIN, "") }
    assert_equal "x", restored.reveal(token)
    mine, change = Owner.restore(restored, LOGIN, "quite new", generation: change.generation, kdf: CHEAP, now: LATER)
    assert_predicate restored, :closed?
    refused("binding.closed", ClosedError) { restored.reveal(token) }
    assert_equal "x", mine.reveal(token)
    assert_equal :updated, agent.accept(change.committed.delivery)
    refused("recovery-key.invalid", CredentialError) { RecoveryKey.parse("AAAA") }
  end

  def test_the_object_that_a_block_gets_is_closed_after_it
    kept = nil
    Owner.create(LOGIN, PASSWORD, kdf: CHEAP, identity: identity("account")) do |owner, change|
      kept = owner
      assert_equal owner.account, again(owner, change.vault).use(&:account)
    end
    assert_predicate kept, :closed?
    assert_raises(IOError) { identity("device1").use { |pairs| kept = pairs and raise IOError } }
    assert_predicate kept, :closed?
  end
end
