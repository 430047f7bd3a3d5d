# frozen_string_literal: true

module Blindtally
  # Two pairs of RSA keys, one for encryption and one for signing, of an account or of a device. Whatever takes an identity
  # uses it up.
  class Identity < Held
    include Closeable

    # New pairs. Takes about a second, in which other threads run.
    #
    # @param bits [Integer] 2048, 3072 or 4096
    # @yieldparam identity [Identity] closed when the block ends
    # @return [Identity, Object] what the block gives, if there is one
    # @raise [MisuseError] `binding.value`: another size
    # @raise [EntropyError] `entropy.unavailable`
    def self.generate(bits: 3072, &block)
      bits = Given.small(bits)
      given(of(Border.call { Native::Identity.generate(bits) }), &block)
    end

    # Pairs made elsewhere, each as PKCS#8 in DER.
    #
    # @param encryption [String] the pair for encryption
    # @param signing [String] the pair for signatures
    # @yieldparam identity [Identity] closed when the block ends
    # @return [Identity, Object] what the block gives, if there is one
    # @raise [MalformedError] `malformed.private-key`
    def self.from_pkcs8(encryption, signing, &block)
      encryption = Given.bytes(encryption)
      signing = Given.bytes(signing)
      given(of(Border.call { Native::Identity.from_pkcs8(encryption, signing) }), &block)
    end

    # @return [String] SHA-256 of the public keys: 64 hexadecimal digits
    def fingerprint
      Border.call { @native.fingerprint }
    end

    # @return [String] the public key for encryption: SPKI in DER
    def encryption_spki
      Border.call { @native.encryption_spki }
    end

    # @return [String] the public key for signatures: SPKI in DER
    def signing_spki
      Border.call { @native.signing_spki }
    end
  end
end
