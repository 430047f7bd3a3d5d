# frozen_string_literal: true

require "yaml"

require_relative "helper"

# Bad input of every kind is refused with a code, and nothing tells what was given.
class TestMisuse < BlindtallyTest
  # Nothing that is a text.
  NO_TEXTS = [nil, 7, :symbol, 1.5, [], {}, Object.new, true].freeze
  NO_UTF8 = ["\xFF", "\xED\xA0\x80", "a\x80", "ü".encode("UTF-16LE"), "ü".encode("ISO-8859-1"), "ü".b].freeze

  def test_values_up_to_their_limit_come_back_and_longer_ones_are_refused
    owner, agent = shared
    texts = ["", "\0", "\u{1F469}\u200D\u{1F4BB}", "שלום עולם", "\u202Eabc", "e\u0301", "\u{10FFFF}", "\u{FEFF}x", "é" * 2048, "x" * 4096]
    texts.each { |text| assert_equal text, owner.reveal(agent.tokenize(:title, text)) }
    ["x" * 4097, "é" * 2048 + "x", "x" * 5_000_000].each do |text|
      refused("tokenize.too-long", TokenizeError, secrets: [text[0, 20]]) { agent.tokenize(:title, text) }
      refused("tokenize.too-long", TokenizeError) { owner.tokenize_typed(:title, text) }
    end
    refused("record.too-long", RecordError) { agent.seal_record(:chat, "x" * 1_048_577) }
  end

  def test_text_that_is_not_utf8_is_refused_and_ascii_is_taken_whatever_it_is_called
    owner, agent = shared
    NO_UTF8.each do |text|
      refused("binding.utf8", MisuseError) { agent.tokenize(:app, text) }
      refused("binding.utf8", MisuseError) { agent.tokenize_many(:app, ["a", text]) }
      refused("binding.utf8", MisuseError) { owner.reveal(text) }
      refused("binding.utf8", MisuseError) { owner.reveal_text(text) }
      refused("binding.utf8", MisuseError) { owner.open_records([text]) }
      refused("binding.utf8", MisuseError) { Blindtally.find_tokens(text) }
    end
    token = agent.tokenize(:app, "abc")
    %w[BINARY US-ASCII ISO-8859-1 Shift_JIS].each do |name|
      assert_equal token, agent.tokenize(:app, "abc".dup.force_encoding(name))
      assert_equal [token], agent.tokenize_many(:app, ["abc".dup.force_encoding(name)])
    end
    refused("binding.utf8") { agent.tokenize(:app, "abc".encode("UTF-16")) }
    refused("binding.utf8", MisuseError) { Owner.create(LOGIN, "\xFF", kdf: CHEAP) }
    refused("binding.utf8", MisuseError) { Owner.create("\xFF", PASSWORD, kdf: CHEAP) }
    refused("binding.utf8", MisuseError) { Owner.create(LOGIN, "pässword".encode("UTF-16LE"), kdf: CHEAP) }
  end

  def test_what_is_no_text_is_refused
    owner, agent = shared
    NO_TEXTS.each do |value|
      [-> { agent.tokenize(:app, value) }, -> { agent.seal_record(:chat, value) }, -> { agent.seal_blob(:voice, value) },
       -> { owner.reveal(value) }, -> { owner.open_blob(value) }, -> { owner.open_record(value) }, -> { owner.inspect(value) },
       -> { agent.accept(value) }, -> { agent.apply_policy(value) }, -> { agent.dequeue(value) }, -> { Agent.load(value) },
       -> { Ticket.parse(value) }, -> { Backup.parse(value) }, -> { RecoveryKey.parse(value) }, -> { owner.redeliver(value) },
       -> { owner.sync(value) }, -> { owner.change_password(value) }, -> { Owner.create(value, PASSWORD) },
       -> { Owner.create(LOGIN, value) }, -> { Blindtally.token_index(value) }, -> { Identity.from_pkcs8(value, "") },
       -> { Login.start(LOGIN, value, owner.prelogin) }].each { |call| refused("binding.value", MisuseError, &call) }
    end
    [nil, 7, "text", :symbol].each { |values| refused("binding.value", MisuseError) { agent.tokenize_many(:app, values) } }
    refused("binding.value", MisuseError) { agent.tokenize_many(:app, [], errors: :null) }
  end

  def test_a_string_that_lies_about_itself_does_no_harm
    _, agent = shared
    liar = Class.new(String) do
      def bytesize = 1
      def bytes = [1]
      def size = 1
      def encode(*) = 7
    end
    value = liar.new("x" * 1000)
    assert_equal agent.tokenize(:app, "x" * 1000), agent.tokenize(:app, value)
    assert_equal [agent.tokenize(:app, "x" * 1000)], agent.tokenize_many(:app, [value])
    single = +"y" * 100
    def single.bytesize = 10**12
    refused("binding.value") { agent.seal_blob(:voice, single) }
    begin
      assert agent.tokenize_many(:app, [single])
    rescue Error => e
      assert_equal "binding.value", e.code
    end
  end

  def test_classes_are_names_or_ids_of_their_kind
    owner, agent = shared
    assert_equal agent.tokenize(:app, "x"), agent.tokenize(1, "x")
    [nil, "app", :chat, :screenshot, :App, 1.0, 2**31, -2**31 - 1, Object].each do |none|
      refused("binding.value", MisuseError) { agent.tokenize(none, "x") }
      refused("binding.value", MisuseError) { agent.tokenize_many(none, ["x"]) }
      refused("binding.value", MisuseError) { owner.set_canonical_form(none, :exact) }
    end
    [-1, 0, 8, 16, 127, 192, 256, 2**31 - 1].each { |id| refused("malformed.value", MalformedError) { agent.tokenize(id, "x") } }
    refused("tokenize.no-key", TokenizeError) { agent.tokenize(128, "x") }
    refused("tokenize.no-key", TokenizeError) { agent.tokenize_many(128, ["x"]) }
    refused("malformed.value") { agent.seal_record(1, "x") }
    refused("malformed.value") { agent.seal_blob(17, "x") }
    refused("binding.value") { agent.seal_record(:app, "x") }
    refused("binding.value") { agent.seal_blob(:chat, "x") }
    [nil, "exact", :lower, 0].each { |form| refused("binding.value") { owner.set_canonical_form(:app, form) } }
  end

  def test_numbers_and_moments_out_of_range_are_refused
    owner, agent = shared
    [-1, 2**63, -2**63, 10**30, 1.5, "1", Time.at(-1), Time.at(2**62), true].each do |moment|
      refused("binding.value", MisuseError) { agent.seal_record(:chat, "x", at: moment) }
      refused("binding.value", MisuseError) { owner.issue_ticket(now: moment) }
    end
    assert_equal 2**63 - 1, owner.open_record(agent.seal_record(:chat, "x", at: 2**63 - 1)).seq
    assert_equal 0, owner.open_record(agent.seal_record(:chat, "x", at: Time.at(0))).seq
    [2**31, -2**31 - 1, 1.0, "1", nil].each { |uses| refused("binding.value", MisuseError) { owner.issue_ticket(uses: uses) } }
    [-1, 2**70, 1.5, "1"].each { |lifetime| refused("binding.value", MisuseError) { owner.issue_ticket(lifetime: lifetime) } }
    refused("ticket.lifetime") { owner.issue_ticket(lifetime: 2**62) }
    [nil, "1", 1.5].each { |number| refused("binding.value", MisuseError) { Kdf.pbkdf2(iterations: number) } }
    refused("kdf.above-ceiling", CredentialError) { owner.backup_with_passphrase(PASSWORD, kdf: Kdf.pbkdf2(iterations: 2**40)) }
    refused("kdf.below-floor", CredentialError) { owner.backup_with_passphrase(PASSWORD, kdf: Kdf.argon2id(memory_kib: 1)) }
    refused("binding.value", MisuseError) { owner.backup_with_passphrase(PASSWORD, kdf: Kdf.pbkdf2(iterations: -1)) }
    refused("binding.value", MisuseError) { owner.backup_with_passphrase(PASSWORD, kdf: 600_000) }
    refused("binding.value", MisuseError) { Identity.generate(bits: 1024) }
    refused("binding.value", MisuseError) { owner.revoke(UNKNOWN, rotate: nil) }
    salt = Prelogin.new(kdf: CHEAP, salt: "short", account: owner.account)
    refused("binding.value", MisuseError) { Login.start(LOGIN, PASSWORD, salt) }
    Login.start(LOGIN, PASSWORD, owner.prelogin) do |login|
      [-1, 2**63, nil, "0"].each { |seen| refused("binding.value", MisuseError) { login.unlock("", seen: seen) } }
    end
    owner.blob_reader(StringIO.new(agent.seal_blob(:voice, "x"))) do |reader|
      [-1, 1.5, "1"].each { |length| refused("binding.value", MisuseError) { reader.read(length) } }
      [0, -1, nil].each { |most| refused("binding.value", MisuseError) { reader.readpartial(most) } }
    end
  end

  def test_objects_of_other_classes_are_refused
    owner, agent = shared
    [nil, 7, "x", agent, Object.new, Class.new(Ticket)].each do |other|
      refused("binding.value", MisuseError) { Agent.enroll(other, "x") }
      refused("binding.value", MisuseError) { owner.approve(other) }
      refused("binding.value", MisuseError) { Owner.restore(other, LOGIN, PASSWORD) }
      refused("binding.value", MisuseError) { Login.start(LOGIN, PASSWORD, other) }
    end
    [7, false, "x", agent].each do |other|
      refused("binding.value", MisuseError) { Owner.create(LOGIN, PASSWORD, identity: other) }
      refused("binding.value", MisuseError) { Owner.create(LOGIN, PASSWORD, account_secret: other) }
      refused("binding.value", MisuseError) { Agent.enroll(owner.issue_ticket, "x", identity: other) }
    end
    assert_raises(NoMethodError) { Agent.new }
    assert_raises(ArgumentError) { agent.tokenize(:app) }
    assert_raises(ArgumentError) { owner.inspect("a", "b") }
    assert_raises(ArgumentError) { Prelogin.new(kdf: CHEAP) }
  end

  def test_what_was_closed_or_used_up_says_so
    owner, change = new_owner
    pending, request = enrolling(owner)
    verified = owner.inspect(request, now: NOW)
    delivered = owner.approve(verified).committed
    refused("binding.closed", ClosedError) { owner.approve(verified) }
    change.committed
    refused("binding.closed", ClosedError) { change.committed }
    agent = pending.accept(delivered.delivery)
    pairs = identity("device2")
    Agent.enroll(owner.issue_ticket, "x", identity: pairs)
    assert_predicate pairs, :closed?
    refused("binding.closed", ClosedError) { Agent.enroll(owner.issue_ticket, "x", identity: pairs) }
    token = agent.tokenize(:app, "x")
    writer = agent.blob_writer(:voice, StringIO.new("".b))
    [owner, agent, pending].each do |held|
      assert_nil held.close
      assert_nil held.close
      assert_predicate held, :closed?
      refused("binding.closed", ClosedError) { held.account }
    end
    calls = [-> { owner.reveal(token) }, -> { owner.reveal_many([token]) }, -> { owner.reveal_many([]) }, -> { owner.rotate }, -> { owner.inspect(request) },
             -> { owner.prelogin }, -> { owner.archive_writer(StringIO.new) }, -> { owner.blob_reader(StringIO.new(agent_blob)) },
             -> { agent.tokenize(:app, "x") }, -> { agent.tokenize_many(:app, ["x"]) }, -> { agent.seal_blob(:voice, "") },
             -> { agent.export_state(key: nil) }, -> { agent.accept("") }, -> { agent.status }, -> { pending.accept("") }]
    calls.each { |call| refused("binding.closed", ClosedError, &call) }
    # It has a key of its own.
    assert_equal 1, writer.write("x")
  end

  def agent_blob
    shared[1].seal_blob(:voice, "x")
  end

  def test_damaged_artefacts_are_refused_and_tell_nothing
    owner, agent = shared
    token = agent.tokenize(:app, "a secret word")
    damaged = token.dup.tap { |text| text[20] = text[20] == "A" ? "B" : "A" }
    refused("reveal.tampered", RevealError, secrets: [token, damaged, "secret"]) { owner.reveal(damaged) }
    record = agent.seal_record(:chat, "a secret word")
    refused("record.tampered", RecordError, secrets: [record]) { owner.open_record(record.dup.tap { |text| text[-9] = text[-9] == "A" ? "B" : "A" }) }
    assert_equal "#{damaged} x", owner.reveal_text("#{damaged} x")
    ["", "bt1_", token[0..-2], "#{token}A", token.upcase, "br1_#{token[4..]}"].each do |text|
      assert_match(/\A(malformed|reveal)\./, assert_raises(RevealError) { owner.reveal(text) }.code)
    end
    other, = new_owner
    refused("reveal.tampered", RevealError) { other.reveal(token) }
  end

  def test_nothing_that_is_shown_tells_a_secret
    owner, change = new_owner
    ticket = owner.issue_ticket
    pending, = enrolling(owner)
    backup, key = owner.backup_with_recovery_key
    secret = AccountSecret.generate
    changed = owner.change_password("new", kdf: CHEAP)
    Login.start(LOGIN, "new", changed.prelogin) do |login|
      held = [owner, change, ticket, pending, backup, key, secret, changed, login, identity("device1"), shared[1]]
      held.each { |object| [object.inspect, object.to_s].each { |text| assert_match(/\A#<Blindtally::\w+>\z/, text) } }
    end
  end

  def test_what_holds_keys_is_neither_copied_nor_dumped
    owner, agent = shared
    [owner, agent, owner.issue_ticket, identity("device1"), AccountSecret.generate].each do |held|
      [-> { held.dup }, -> { held.clone }, -> { Marshal.dump(held) }, -> { YAML.dump(held) }].each { |copy| assert_raises(TypeError, &copy) }
    end
    assert_raises(NoMethodError) { agent.instance_variable_get(:@native).dup }
    assert_equal owner.devices, Marshal.load(Marshal.dump(owner.devices)) # rubocop:disable Security/MarshalLoad
  end

  def test_arguments_stay_as_they_are
    owner, agent = shared
    values = ["ü".freeze, "abc".dup.force_encoding("BINARY").freeze, nil].freeze
    agent.tokenize_many(:app, values)
    assert_equal [Encoding::UTF_8, Encoding::BINARY], values.compact.map(&:encoding)
    agent.tokenize(:app, values[1])
    blob = agent.seal_blob(:voice, "ü".freeze).freeze
    assert_equal "ü".b, owner.open_blob(blob)
    assert_equal Encoding::BINARY, blob.encoding
    password = "p" * 20
    new_owner.first.change_password(password, kdf: CHEAP)
    assert_equal "p" * 20, password
  end

  def test_values_are_frozen_compare_and_match_patterns
    owner, agent = shared
    device = owner.devices.first
    assert_predicate device, :frozen?
    assert_predicate device.name, :frozen?
    assert_equal 1, { device => 1 }[owner.devices.first]
    refute_equal device, Kdf.pbkdf2
    assert((device in { status: :active, name: String }))
    assert((Kdf.argon2id in { name: :argon2id, memory_kib: 65_536, passes: 3, lanes: 1 }))
    assert_raises(NoMethodError) { device.name = "x" }
    assert_raises(FrozenError) { agent.policy.classes << 1 }
  end
end
