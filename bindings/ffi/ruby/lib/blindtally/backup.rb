# frozen_string_literal: true

module Blindtally
  # A backup file, still sealed.
  class Backup < Held
    # Reads what {#to_text} gave. White space, line ends, text before and after do not matter.
    #
    # @param text [String]
    # @return [Backup]
    # @raise [MalformedError] `malformed.`: it is damaged (`malformed.checksum`), or not a backup
    def self.parse(text)
      text = Given.text(text)
      of(Border.call { Native::Backup.parse(text) })
    end

    # @return [String] the file: a header for people, then the sealed keys, between two marker lines
    def to_text
      Border.call { @native.to_text }
    end

    # @return [String] the id of the account that the file says it is of: 32 hexadecimal digits
    def account
      Border.call { @native.account }
    end

    # @return [Symbol] what opens it: `:passphrase` or `:recovery_key`
    def lock
      Classes.variant(Native::BackupLock, Border.call { @native.lock })
    end

    # Opens it with its passphrase. Takes about half a second, in which other threads run.
    #
    # @param passphrase [String] in UTF-8
    # @yieldparam restored [Restored] closed when the block ends
    # @return [Restored, Object] what the block gives, if there is one
    # @raise [UnlockError] `unlock.wrong` for a wrong passphrase, `unlock.needs-recovery-key`
    # @raise [CredentialError] `password.invalid`, `kdf.`
    def open_with_passphrase(passphrase, &block)
      passphrase = Given.secret_text(passphrase)
      given(Restored.of(Border.call { @native.open_with_passphrase(passphrase) }), &block)
    end

    # Opens it with its recovery key.
    #
    # @param key [RecoveryKey]
    # @yieldparam restored [Restored] closed when the block ends
    # @return [Restored, Object] what the block gives, if there is one
    # @raise [UnlockError] `unlock.wrong` for a wrong key, `unlock.needs-passphrase`
    def open_with_recovery_key(key, &block)
      key = Given.native(key, RecoveryKey)
      given(Restored.of(Border.call { @native.open_with_recovery_key(key) }), &block)
    end
  end

  # 128 random bits that open a backup without a passphrase.
  class RecoveryKey < Held
    # Reads the 28 characters of {#to_text} as typed: case, hyphens and spaces do not matter.
    #
    # @param text [String]
    # @return [RecoveryKey]
    # @raise [CredentialError] `recovery-key.invalid`: it was mistyped
    def self.parse(text)
      text = Given.text(text)
      of(Border.call { Native::RecoveryKey.parse(text) })
    end

    # @return [String] 28 characters in groups of four, for paper. They are secret
    def to_text
      Border.call { @native.to_text }
    end
  end

  # An opened backup: opens everything offline, and becomes an {Owner} again by {Owner.restore}, which uses it up.
  class Restored < Held
    include Opening
  end
end
