# frozen_string_literal: true

module Blindtally
  # A device of the account, from the owner's own table.
  class Device < Value
    # @return [String] its id: 32 hexadecimal digits
    attr_reader :id
    # @return [String] its name, which it chose itself if it came with a ticket: text of an attacker's, perhaps
    attr_reader :name
    # @return [Symbol] `:active` or `:revoked`
    attr_reader :status
    # @return [Time] when it was first confirmed
    attr_reader :confirmed_at
    # @return [String] SHA-256 of its public keys: 64 hexadecimal digits
    attr_reader :fingerprint
    # @return [String] the same for people to compare: 24 characters
    attr_reader :code

    # @private
    def self.of(native)
      new(id: native.id, name: native.name, status: Classes.variant(Native::DeviceStatus, native.status),
          confirmed_at: native.confirmed_at, fingerprint: native.fingerprint, code: native.code)
    end

    # @return [Boolean] whether it still belongs to the account
    def active?
      status == :active
    end

    # @return [Boolean] whether it is revoked, for ever
    def revoked?
      status == :revoked
    end
  end
end
