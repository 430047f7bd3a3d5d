# frozen_string_literal: true

# Accounts and devices for tests, with key pairs that were generated once.

require "minitest/autorun"
require "stringio"

require "blindtally"

module Accounts
  include Blindtally

  KEYS = File.expand_path("../../../../tests/keys", __dir__)
  LOGIN = "anna@example.com"
  PASSWORD = "correct horse battery staple"
  CHEAP = Kdf.pbkdf2(iterations: 600_000)
  NOW = Time.utc(2026, 1, 2, 3, 4, 5)
  LATER = NOW + 3600
  UNKNOWN = "00" * 16

  module_function

  # The key pairs of "account", "device1" or "device2".
  def identity(name)
    encryption, signing = %w[encryption signing].map { |use| File.binread("#{KEYS}/#{name}-#{use}.pkcs8") }
    Identity.from_pkcs8(encryption, signing)
  end

  def new_owner(**options)
    Owner.create(LOGIN, PASSWORD, kdf: CHEAP, identity: identity("account"), now: NOW, **options)
  end

  def enrolling(owner, device = "device1", name = "laptop")
    Agent.enroll(owner.issue_ticket(now: NOW), name, identity: identity(device))
  end

  def enrolled(owner, device = "device1", name = "laptop")
    pending, request = enrolling(owner, device, name)
    pending.accept(owner.approve(owner.inspect(request, now: NOW), now: NOW).committed.delivery)
  end

  # Another client of the same account.
  def again(owner, vault)
    Login.resume(LOGIN, owner.keep_unlocked, owner.prelogin).unlock(vault)
  end

  # An owner and an agent for tests that leave them as they are.
  def shared
    @shared ||= new_owner.first.then { |owner| [owner, enrolled(owner)] }
  end
end

class BlindtallyTest < Minitest::Test
  include Accounts

  # What the block raises, which must have this code and tell none of the secrets.
  def refused(code, kind = Blindtally::Error, secrets: [])
    error = assert_raises(kind) { yield }
    assert_equal code, error.code
    assert_equal Blindtally.error_codes.fetch(code), error.detail
    assert_nil error.cause
    secrets.each do |secret|
      [error.message, error.inspect, error.full_message(highlight: false)].each { |text| refute_includes text, secret }
    end
    error
  end
end
