# frozen_string_literal: true

module Blindtally
  # What the service answers before a login, and what a vault must have been made with. Bounds are checked by {Login.start}.
  class Prelogin < Value
    # @return [Kdf] how the password is stretched
    attr_reader :kdf
    # @return [String] the account's salt: 16 bytes
    attr_reader :salt
    # @return [String] the account's id: 32 hexadecimal digits
    attr_reader :account

    # @param kdf [Kdf]
    # @param salt [String] 16 bytes
    # @param account [String] 32 hexadecimal digits
    # @raise [MisuseError] `binding.value`, `binding.utf8`: of other types
    def initialize(kdf:, salt:, account:)
      Given.refuse unless kdf.instance_of?(Kdf)
      super(kdf: kdf, salt: Given.bytes(salt).b, account: Given.text(account))
    end

    # @private
    def self.of(native)
      new(kdf: Kdf.of(native.kdf), salt: native.salt, account: native.account)
    end

    # @private
    def self.given(prelogin)
      Given.refuse unless prelogin.instance_of?(Prelogin)
      Native::Prelogin.new(kdf: prelogin.kdf.native, salt: prelogin.salt, account: prelogin.account)
    end
  end
end
