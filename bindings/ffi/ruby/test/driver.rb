# frozen_string_literal: true

# The driver of the Ruby gem: what bindings/vectors/README.md asks for, call by call.

require "json"
require "stringio"

require "blindtally"

# What is kept for the runner, by handle.
KEPT = {} # rubocop:disable Style/MutableConstant
HANDLES = 1.step

# By type: the fields that are given with an object, each made of it.
FIELDS = {
  Blindtally::AccountSecret => { text: :to_text },
  Blindtally::Agent => { device_id: :device_id, account: :account },
  Blindtally::Archive => {
    listing: :listing, made: :made, files: ->(archive) { archive.map { |file| file.to_h.slice(:path, :modified, :length) } }
  },
  Blindtally::Backup => { account: :account, text: :to_text },
  Blindtally::ComparisonRequest => { device_id: :device_id },
  Blindtally::Identity => {},
  Blindtally::Login => {},
  Blindtally::Owner => { account: :account, fingerprint: :fingerprint, generation: :generation },
  Blindtally::PendingAgent => { device_id: :device_id, account: :account },
  Blindtally::RecoveryKey => { text: :to_text },
  Blindtally::Restored => { account: :account, fingerprint: :fingerprint },
  Blindtally::VerifiedRequest => { device_id: :device_id, name: :name }
}.freeze

def encoded(value)
  case value
  when String then value.encoding == Encoding::BINARY ? { hex: value.unpack1("H*") } : value
  when Symbol then value.to_s.tr("_", "-")
  when Array then value.map { |item| encoded(item) }
  when Hash then value.transform_values { |item| encoded(item) }
  when Time then (value.to_r * 1000).floor
  when *FIELDS.keys
    handle = HANDLES.next
    KEPT[handle] = value
    fields = FIELDS.fetch(value.class).transform_values { |get| encoded(get.to_proc.call(value)) }
    { handle: handle, type: value.class.name.split("::").last, **fields }
  else value
  end
end

def decoded(value)
  case value
  when Array then value.map { |item| decoded(item) }
  when Hash
    if value.key?(:hex) then [value[:hex]].pack("H*")
    elsif value.key?(:handle) then KEPT.fetch(value[:handle])
    else value.transform_values { |item| decoded(item) }
    end
  else value
  end
end

def prelogin_of(prelogin)
  kdf = prelogin[:kdf].dup
  kdf = Blindtally::Kdf.public_send(kdf.delete(:name), **kdf)
  Blindtally::Prelogin.new(kdf: kdf, salt: prelogin[:salt], account: prelogin[:account])
end

def parse_ticket(text)
  ticket = Blindtally::Ticket.parse(text)
  { id: ticket.id, account: ticket.account, uses: ticket.uses, expiry: ticket.expiry,
    authenticator_hash: ticket.authenticator_hash, text: ticket.to_text, link: ticket.to_link }
end

def read_blob(keys, blob, piece)
  pieces = []
  header = keys.blob_reader(StringIO.new(blob)) do |reader|
    reader.each_piece(piece) { |content| pieces << content }
    reader.header
  end
  fields = { class: class_id(header.blob_class, Blindtally::BLOB_CLASSES), **header.to_h.slice(:epoch, :device, :id, :seq) }
  { pieces: pieces, error: nil, header: fields }
rescue Blindtally::Error => e
  { pieces: pieces, error: e.code, header: nil }
end

def open_record(keys, record)
  opened = keys.open_record(record)
  { class: class_id(opened.record_class, Blindtally::RECORD_CLASSES), **opened.to_h.slice(:value, :device, :seq, :epoch) }
end

def class_id(name, ids)
  name.is_a?(Integer) ? name : ids.fetch(name)
end

Agent = Blindtally::Agent
Login = Blindtally::Login

# `class` is a word of Ruby's: the argument is named kind here.
CALLS = {
  "find_tokens" => lambda { |text:|
    found = Blindtally.find_tokens(text).map { |token| [token.begin, token.end, token.token] }
    { unit: "characters", found: found }
  },
  "token_index" => ->(token:) { Blindtally.token_index(token) },
  "load_agent" => ->(state:, wrapping_key:) { Agent.load(state, key: wrapping_key) },
  "Agent.from_state" => ->(state:, wrapping_key:) { Agent.from_state(state, key: wrapping_key) },
  "Agent.enroll_by_code" => ->(code:, identity:) { Agent.enroll_by_code(code, identity: identity) },
  "Agent.status" => ->(on:) { { kind: on.status.kind } },
  "Agent.tokenize" => ->(on:, kind:, value:) { on.tokenize(kind, value) },
  "Agent.tokenize_many" => ->(on:, kind:, values:) { on.tokenize_many(kind, values) },
  "Agent.seal_record" => ->(on:, kind:, value:, seq:) { on.seal_record(kind, value, at: seq) },
  "Agent.seal_blob" => ->(on:, kind:, content:, seq:) { on.seal_blob(kind, content, at: seq) },
  "Agent.accept" => ->(on:, delivery:) { on.accept(delivery) },
  "Agent.apply_policy" => ->(on:, policy:) { on.apply_policy(policy) },
  "Agent.export_state" => ->(on:, wrapping_key:) { on.export_state(key: wrapping_key) },
  "PendingAgent.accept" => ->(on:, delivery:) { on.accept(delivery) },
  "PendingAgent.export_state" => ->(on:, wrapping_key:) { on.export_state(key: wrapping_key) },
  "Owner.login_proof" => ->(on:) { on.login_proof },
  "Owner.keep_unlocked" => ->(on:) { on.keep_unlocked },
  "Owner.devices" => ->(on:) { on.devices.map(&:to_h) },
  "Owner.inspect" => ->(on:, request:, now:) { on.inspect(request, now: now) },
  "Owner.backup_with_recovery_key" => ->(on:) { on.backup_with_recovery_key },
  "ComparisonRequest.confirm" => ->(on:, code_shown:, name:) { on.confirm(code_shown, name) },
  "Opened.reveal" => ->(on:, token:) { on.reveal(token) },
  "Opened.reveal_many" => ->(on:, tokens:) { on.reveal_many(tokens) },
  "Opened.open_record" => ->(on:, record:) { open_record(on, record) },
  "Opened.open_blob" => ->(on:, blob:) { on.open_blob(blob) },
  "Opened.read_blob" => ->(on:, blob:, piece:) { read_blob(on, blob, piece) },
  "Opened.blob_file" => ->(on:, blob:) { on.blob_file(StringIO.new(blob), &:read) },
  "Opened.open_archive" => ->(on:, archive:) { on.open_archive(StringIO.new(archive)) },
  "Opened.recovery_proof" => ->(on:) { on.recovery_proof },
  "Archive.read" => ->(on:, file:) { on.read(file) },
  "Login.start" => lambda { |login:, password:, prelogin:, account_secret:|
    Login.start(login, password, prelogin_of(prelogin), account_secret: account_secret)
  },
  "Login.resume" => ->(login:, kept:, prelogin:) { Login.resume(login, kept, prelogin_of(prelogin)) },
  "Login.proof" => ->(on:) { on.proof },
  "Login.unlock" => ->(on:, vault:, seen:) { on.unlock(vault, seen: seen) },
  "AccountSecret.parse" => ->(text:) { Blindtally::AccountSecret.parse(text) },
  "RecoveryKey.parse" => ->(text:) { Blindtally::RecoveryKey.parse(text) },
  "Backup.parse" => ->(text:) { Blindtally::Backup.parse(text) },
  "Backup.open_with_passphrase" => ->(on:, passphrase:) { on.open_with_passphrase(passphrase) },
  "Backup.open_with_recovery_key" => ->(on:, key:) { on.open_with_recovery_key(key) },
  "Ticket.parse" => ->(text:) { parse_ticket(text) },
  "Identity.from_pkcs8" => ->(encryption:, signing:) { Blindtally::Identity.from_pkcs8(encryption, signing) }
}.freeze

def answer(request)
  name = request[:call]
  if name == "release"
    released = KEPT.delete(request[:on])
    released.close if released.respond_to?(:close)
    return { ok: nil }
  end
  call = CALLS[name] or return { error: "driver.unknown" }
  arguments = request[:with].transform_values { |value| decoded(value) }
  arguments = arguments.transform_keys { |key| key == :class ? :kind : key }
  arguments[:on] = KEPT.fetch(request[:on]) if request.key?(:on)
  { ok: encoded(call.call(**arguments)) }
rescue Blindtally::Error => e
  { error: e.code }
end

$stdin.binmode
$stdout.binmode
$stdin.each_line do |line|
  request = JSON.parse(line.force_encoding(Encoding::UTF_8), symbolize_names: true)
  $stdout.write(JSON.generate(answer(request)), "\n")
  $stdout.flush
end
