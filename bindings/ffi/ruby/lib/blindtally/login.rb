# frozen_string_literal: true

module Blindtally
  # A login whose password is stretched: gives the proof for the service, and opens the vault that comes back.
  class Login < Held
    include Closeable

    # Stretches the password by what the service answered to prelogin, which takes about half a second, in which other threads
    # run. Parameters out of bounds are refused before anything is derived.
    #
    # @param login [String] the login name, however it was typed
    # @param password [String] in UTF-8
    # @param prelogin [Prelogin]
    # @param account_secret [AccountSecret, nil] if the account has one
    # @yieldparam login [Login] closed when the block ends
    # @return [Login, Object] what the block gives, if there is one
    # @raise [CredentialError] `kdf.`, `login.invalid`, `password.invalid`
    # @raise [MisuseError] `binding.value` for a salt that has not 16 bytes, `binding.utf8`
    def self.start(login, password, prelogin, account_secret: nil, &block)
      login = Given.text(login)
      password = Given.secret_text(password)
      prelogin = Prelogin.given(prelogin)
      secret = Given.optional(account_secret) { |kept| Given.native(kept, AccountSecret) }
      given(of(Border.call { Native::Login.start(login, password, prelogin, secret) }), &block)
    end

    # The login that {Owner#keep_unlocked} kept, without the password.
    #
    # @param login [String] the login name
    # @param kept [String] bytes
    # @param prelogin [Prelogin]
    # @yieldparam login [Login] closed when the block ends
    # @return [Login, Object] what the block gives, if there is one
    # @raise [UnlockError] `unlock.kept-login`: it is damaged, or was made for another login name, account or password
    def self.resume(login, kept, prelogin, &block)
      login = Given.text(login)
      kept = Given.bytes(kept)
      prelogin = Prelogin.given(prelogin)
      given(of(Border.call { Native::Login.resume(login, kept, prelogin) }), &block)
    end

    # @return [String] what shows the service that the password is known: 32 secret bytes, yours to wipe. It keeps a SHA-256 of
    #   them
    # @raise [ClosedError] `binding.closed`
    def proof
      Border.call { @native.proof }
    end

    # Opens the vault that came back for the proof, which uses the login up unless it fails.
    #
    # @param vault [String] bytes
    # @param seen [Integer] the highest generation of this account's vault that this client remembers; 0 for one without a
    #   memory
    # @yieldparam owner [Owner] closed when the block ends
    # @return [Owner, Object] what the block gives, if there is one
    # @raise [UnlockError] `unlock.wrong` for a wrong password or account secret, `unlock.rolled-back` for a vault older than
    #   `seen`, `unlock.header` if the service changed its mind about the parameters
    # @raise [ClosedError] `binding.closed`
    def unlock(vault, seen: 0, &block)
      vault = Given.bytes(vault)
      seen = Given.number(seen)
      owner = Owner.of(Border.call { @native.unlock(vault, seen) })
      used_up
      given(owner, &block)
    end
  end

  # 128 random bits that the owner keeps beside the password, and that are never sent.
  class AccountSecret < Held
    # A new one.
    #
    # @return [AccountSecret]
    # @raise [EntropyError] `entropy.unavailable`
    def self.generate
      of(Border.call { Native::AccountSecret.generate })
    end

    # Reads the 28 characters of {#to_text} as typed: case, hyphens and spaces do not matter.
    #
    # @param text [String]
    # @return [AccountSecret]
    # @raise [CredentialError] `recovery-key.invalid`: it was mistyped
    def self.parse(text)
      text = Given.text(text)
      of(Border.call { Native::AccountSecret.parse(text) })
    end

    # @return [String] 28 characters in groups of four, for paper. They are secret
    def to_text
      Border.call { @native.to_text }
    end
  end
end
