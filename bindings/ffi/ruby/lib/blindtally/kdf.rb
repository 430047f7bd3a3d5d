# frozen_string_literal: true

module Blindtally
  # How a password is stretched: {Kdf.pbkdf2} or {Kdf.argon2id}.
  class Kdf < Value
    # @return [Symbol] `:pbkdf2` or `:argon2id`
    attr_reader :name
    # @return [Integer, nil] iterations of PBKDF2
    attr_reader :iterations
    # @return [Integer, nil] memory of Argon2id, in KiB
    attr_reader :memory_kib
    # @return [Integer, nil] passes of Argon2id
    attr_reader :passes
    # @return [Integer, nil] lanes of Argon2id
    attr_reader :lanes

    class << self
      private :new

      # PBKDF2-HMAC-SHA-256 (RFC 8018). Bounds are checked where it is used.
      #
      # @param iterations [Integer] 600,000 to 10,000,000
      # @return [Kdf]
      # @raise [MisuseError] `binding.value`: not an Integer
      def pbkdf2(iterations: 1_000_000)
        new(name: :pbkdf2, iterations: Given.whole(iterations), memory_kib: nil, passes: nil, lanes: nil)
      end

      # Argon2id v1.3 (RFC 9106). Bounds are checked where it is used.
      #
      # @param memory_kib [Integer] 19 MiB to 1 GiB, in KiB
      # @param passes [Integer] 2 to 16
      # @param lanes [Integer] 1 to 4
      # @return [Kdf]
      # @raise [MisuseError] `binding.value`: not Integers
      def argon2id(memory_kib: 65_536, passes: 3, lanes: 1)
        new(name: :argon2id, iterations: nil, memory_kib: Given.whole(memory_kib), passes: Given.whole(passes),
            lanes: Given.whole(lanes))
      end

      # @private
      def of(native)
        return pbkdf2(iterations: native.iterations) if native.pbkdf2?

        argon2id(memory_kib: native.memory_kib, passes: native.passes, lanes: native.lanes)
      end
    end

    # @private
    def native
      case name
      when :pbkdf2 then Native::Kdf::PBKDF2.new(iterations: within(iterations))
      else Native::Kdf::ARGON2ID.new(memory_kib: within(memory_kib), passes: within(passes), lanes: within(lanes))
      end
    end

    # @private
    def self.given(kdf)
      Given.refuse unless kdf.nil? || kdf.instance_of?(Kdf)
      kdf&.native
    end

    private

    # What crosses has 32 bits, and its greatest number is above every ceiling.
    def within(number)
      number.clamp(-2**31, 2**31 - 1)
    end
  end
end
