# frozen_string_literal: true

module Blindtally
  # The owner of an account, unlocked: by {Owner.create}, {Owner.restore} or {Login#unlock}.
  #
  # What changes the account gives a {Change}: store its vault at the service, then call {Change#committed} and send the
  # outbox. All methods may be called from several threads. Where a moment is taken (`now`), it is a Time or an Integer of Unix
  # milliseconds, and this computer's clock if nil.
  class Owner < Held
    include Opening

    # Creates an account. Takes about two seconds, in which other threads run: it generates RSA keys and stretches the password.
    #
    # @param login [String] the login name
    # @param password [String] in UTF-8
    # @param kdf [Kdf, nil] how the password is stretched; PBKDF2 with 1,000,000 iterations if nil
    # @param account_secret [AccountSecret, nil] is asked for beside the password from now on
    # @param identity [Identity, nil] made elsewhere; it is used up, unless the credentials are refused
    # @param now [Time, Integer, nil]
    # @yieldparam owner [Owner] closed when the block ends
    # @yieldparam change [Change]
    # @return [Array(Owner, Change), Object] what the block gives, if there is one
    # @raise [CredentialError] `login.invalid`, `password.invalid`, `kdf.` for parameters out of bounds
    # @raise [ClosedError] `binding.closed` for an identity used up
    # @raise [MisuseError] `binding.value`, `binding.utf8`
    def self.create(login, password, kdf: nil, account_secret: nil, identity: nil, now: nil, &block)
      login = Given.text(login)
      password = Given.secret_text(password)
      kdf = Kdf.given(kdf)
      secret = Given.optional(account_secret) { |given| Given.native(given, AccountSecret) }
      pairs = Given.optional(identity) { |given| Given.native(given, Identity) }
      now = Given.moment(now)
      opened = Border.call { Native.create_account(login, password, kdf, secret, pairs, now) }
      identity&.send(:used_up)
      both(opened, &block)
    end

    # Makes an opened backup an owner again, under a new password, above whatever the service and the clock show. The outbox
    # delivers to every device that neither revokes; look through {#devices} afterwards. Every ticket issued before is void.
    #
    # @param restored [Restored] is used up, unless the credentials are refused
    # @param login [String] the login name
    # @param password [String] the new password, in UTF-8
    # @param generation [Integer] of the vault that the service holds, 0 for none
    # @param policy [String, nil] the signed policy that the service holds, believed only if the account signed it
    # @param kdf [Kdf, nil] how the password is stretched; PBKDF2 with 1,000,000 iterations if nil
    # @param account_secret [AccountSecret, nil] is asked for beside the password from now on
    # @param now [Time, Integer, nil]
    # @yieldparam owner [Owner] closed when the block ends
    # @yieldparam change [Change]
    # @return [Array(Owner, Change), Object] what the block gives, if there is one
    # @raise [OwnerError] `owner.full` if the service shows numbers that cannot be exceeded
    # @raise [Error] as {Owner.create}
    def self.restore(restored, login, password, generation: 0, policy: nil, kdf: nil, account_secret: nil, now: nil, &block)
      native = Given.native(restored, Restored)
      login = Given.text(login)
      password = Given.secret_text(password)
      generation = Given.number(generation)
      policy = Given.optional(policy) { |bytes| Given.bytes(bytes) }
      kdf = Kdf.given(kdf)
      secret = Given.optional(account_secret) { |given| Given.native(given, AccountSecret) }
      now = Given.moment(now)
      opened = Border.call { Native.restore_account(native, login, password, generation, policy, kdf, secret, now) }
      restored.send(:used_up)
      both(opened, &block)
    end

    class << self
      private

      def both(opened, &block)
        change = Change.of(opened.change)
        owner = of(opened.owner)
        block ? owner.use { yield owner, change } : [owner, change]
      end
    end

    # @return [String] the login name, normalised
    # @raise [ClosedError] `binding.closed`
    def login
      Border.call { @native.login }
    end

    # @return [String] what a person types into an agent that has no ticket: 50 characters, not secret
    # @raise [ClosedError] `binding.closed`
    def account_code
      Border.call { @native.account_code }
    end

    # @return [Prelogin] what the service answers to prelogin for this account
    # @raise [ClosedError] `binding.closed`
    def prelogin
      Prelogin.of(Border.call { @native.prelogin })
    end

    # @return [Integer] generation of the newest vault made or opened here: remember it, and pass it to {Login#unlock} as
    #   `seen`
    # @raise [ClosedError] `binding.closed`
    def generation
      Border.call { @native.generation }
    end

    # @return [Policy] the policy in force
    # @raise [ClosedError] `binding.closed`
    def policy
      Policy.of(Border.call { @native.policy })
    end

    # @return [Array<Device>] the devices of the account, in order of id: the owner's own table, never the service's directory
    # @raise [ClosedError] `binding.closed`
    def devices
      Border.call { @native.devices }.map { |device| Device.of(device) }
    end

    # @return [String] what the service takes as proof of the password: 32 secret bytes, yours to wipe. It keeps a SHA-256 of
    #   them
    # @raise [ClosedError] `binding.closed`
    def login_proof
      Border.call { @native.login_proof }
    end

    # What opens the vault again without the password, by {Login.resume}. As secret as the password and the account secret
    # together, until the password changes: seal it under a key of the platform's, and wipe this.
    #
    # @return [String] at most 488 bytes
    # @raise [ClosedError] `binding.closed`
    def keep_unlocked
      Border.call { @native.keep_unlocked }
    end

    # Makes a ticket for an installer. Register its {Ticket#authenticator_hash} at the service; the ticket itself must never
    # reach it.
    #
    # @param uses [Integer] for how many devices: 1 to 50
    # @param lifetime [Integer, nil] seconds: at most 30 days (7 if nil), or 24 hours for several devices (those if nil)
    # @param now [Time, Integer, nil]
    # @return [Ticket]
    # @raise [Error] `ticket.lifetime`; `malformed.value` for other numbers of devices
    # @raise [ClosedError] `binding.closed`
    def issue_ticket(uses: 1, lifetime: nil, now: nil)
      uses = Given.small(uses)
      lifetime = Given.optional(lifetime) { |seconds| Given.duration(seconds) }
      now = Given.moment(now)
      Ticket.of(Border.call { @native.issue_ticket(uses, lifetime, now) })
    end

    # Examines an enrollment request that came through the service.
    #
    # Without a request, as every object's `inspect`: what is shown of this one, which is never a key.
    #
    # @param request [String] bytes
    # @param now [Time, Integer, nil]
    # @return [VerifiedRequest, ComparisonRequest, String] made with a ticket of this account, or without one: then a person
    #   must compare codes first
    # @raise [EnrollmentError, MalformedError] `enrollment.`, `ticket.`, `malformed.`: it is not to be believed. `ticket.spent`
    #   is an alarm to show: another device used the ticket first
    # @raise [ClosedError] `binding.closed`
    def inspect(*request, now: nil)
      return super() if request.empty?
      raise ArgumentError, "wrong number of arguments (given #{request.size}, expected 1)" if request.size > 1

      bytes = Given.bytes(request.first)
      now = Given.moment(now)
      inspection = Border.call { @native.inspect(bytes, now) }
      (inspection.verified? ? VerifiedRequest : ComparisonRequest).of(inspection.request)
    end

    # Gives a device its keys, which uses the request up: the outbox has the delivery. The device's request inspected again
    # delivers again.
    #
    # @param request [VerifiedRequest]
    # @param now [Time, Integer, nil]
    # @return [Change]
    # @raise [EnrollmentError, OwnerError] `ticket.spent`, `ticket.cancelled`, `owner.device-revoked` if that came since the
    #   inspection
    # @raise [MisuseError] `binding.value` for a request that nobody compared yet, `binding.closed` for one that was used up
    def approve(request, now: nil)
      request = Given.native(request, VerifiedRequest)
      now = Given.moment(now)
      Change.of(Border.call { @native.approve(request, now) })
    end

    # Gives a device its keys once more.
    #
    # @param device [String] its id
    # @param now [Time, Integer, nil]
    # @return [Change]
    # @raise [OwnerError, MalformedError] `owner.unknown-device`, `owner.device-revoked`, `malformed.` for no id of a device
    # @raise [ClosedError] `binding.closed`
    def redeliver(device, now: nil)
      device = Given.text(device)
      now = Given.moment(now)
      Change.of(Border.call { @native.redeliver(device, now) })
    end

    # Revokes a device, for ever.
    #
    # @param device [String] its id
    # @param rotate [Boolean] whether a new epoch starts: without, the device could still read tokens of the running one
    # @param now [Time, Integer, nil]
    # @return [Change]
    # @raise [OwnerError, MalformedError] `owner.unknown-device`, `malformed.` for no id of a device
    # @raise [ClosedError] `binding.closed`
    def revoke(device, rotate: true, now: nil)
      device = Given.text(device)
      rotate = Given.flag(rotate)
      now = Given.moment(now)
      Change.of(Border.call { @native.revoke(device, rotate, now) })
    end

    # Starts a new epoch: new keys, new policy, a delivery for every device that stays. Old tokens stay readable.
    #
    # @param now [Time, Integer, nil]
    # @return [Change]
    # @raise [OwnerError] `owner.epochs-exhausted` after 65,535 epochs
    # @raise [ClosedError] `binding.closed`
    def rotate(now: nil)
      now = Given.moment(now)
      Change.of(Border.call { @native.rotate(now) })
    end

    # Makes a ticket worthless.
    #
    # @param ticket [String] its id
    # @param now [Time, Integer, nil]
    # @return [Change]
    # @raise [MalformedError] `malformed.` for no id of a ticket
    # @raise [ClosedError] `binding.closed`
    def cancel_ticket(ticket, now: nil)
      ticket = Given.text(ticket)
      now = Given.moment(now)
      Change.of(Border.call { @native.cancel_ticket(ticket, now) })
    end

    # Changes how values of a class are brought into one form before they are tokenized.
    #
    # @param token_class [Symbol, Integer] one of {TOKEN_CLASSES}, or an id
    # @param form [Symbol] one of {CANONICAL_FORMS}
    # @param now [Time, Integer, nil]
    # @return [Change]
    # @raise [MalformedError] `malformed.value` for an id of no class
    # @raise [MisuseError] `binding.value`, `binding.closed`
    def set_canonical_form(token_class, form, now: nil)
      token_class = Classes::TOKEN.native(token_class)
      form = Classes.form(form)
      now = Given.moment(now)
      Change.of(Border.call { @native.set_canonical_form(token_class, form, now) })
    end

    # Replaces the password without touching any data: the same keys under a new one. The account secret, if there is one,
    # stays. Takes about half a second, in which other threads run that need not this owner.
    #
    # @param password [String] the new one, in UTF-8
    # @param kdf [Kdf, nil] how it is stretched; PBKDF2 with 1,000,000 iterations if nil
    # @return [PasswordChange]
    # @raise [CredentialError] `password.invalid`, `kdf.` for parameters out of bounds
    # @raise [ClosedError] `binding.closed`
    def change_password(password, kdf: nil)
      password = Given.secret_text(password)
      kdf = Kdf.given(kdf)
      PasswordChange.of(Border.call { @native.change_password(password, kdf) })
    end

    # A backup that opens with a passphrase. Make a new one after every rotation: it holds the keys of now.
    #
    # @param passphrase [String] in UTF-8
    # @param kdf [Kdf, nil] how it is stretched; PBKDF2 with 1,000,000 iterations if nil
    # @return [Backup]
    # @raise [CredentialError] `password.invalid`, `kdf.` for parameters out of bounds
    # @raise [ClosedError] `binding.closed`
    def backup_with_passphrase(passphrase, kdf: nil)
      passphrase = Given.secret_text(passphrase)
      kdf = Kdf.given(kdf)
      Backup.of(Border.call { @native.backup_with_passphrase(passphrase, kdf) })
    end

    # A backup that opens with a new recovery key, and with nothing else. Keep the two apart.
    #
    # @return [Array(Backup, RecoveryKey)]
    # @raise [EntropyError] `entropy.unavailable`
    # @raise [ClosedError] `binding.closed`
    def backup_with_recovery_key
      made = Border.call { @native.backup_with_recovery_key }
      [Backup.of(made.backup), RecoveryKey.of(made.key)]
    end

    # Takes a vault that the service shows, of another dashboard perhaps: what each side did is merged.
    #
    # @param vault [String] bytes
    # @param now [Time, Integer, nil]
    # @return [:same, :adopted, Change] `:same` if it holds what this owner holds; `:adopted` if it held more, which this owner
    #   has taken over; the union to store if this owner held more, or both held something of their own
    # @raise [UnlockError] `unlock.`: it is not a vault of this account under this password
    # @raise [ClosedError] `binding.closed`
    def sync(vault, now: nil)
      vault = Given.bytes(vault)
      now = Given.moment(now)
      outcome = Border.call { @native.sync(vault, now) }
      return Change.of(outcome.change) if outcome.store?

      outcome.same? ? :same : :adopted
    end

    # Tokenizes what the owner typed, for a search. Never what a service sent: tokens of its words would tell it yours.
    #
    # @param token_class [Symbol, Integer] one of {TOKEN_CLASSES}, or an id
    # @param typed [String] up to 4,096 bytes of UTF-8
    # @return [String] the token
    # @raise [TokenizeError] `tokenize.too-long`
    # @raise [MalformedError] `malformed.value` for an id of no class
    # @raise [ClosedError] `binding.closed`
    def tokenize_typed(token_class, typed)
      token_class = Classes::TOKEN.native(token_class)
      typed = Given.text(typed)
      Border.call { @native.tokenize_typed(token_class, typed) }
    end

    # The token of the same value in the running epoch. Only for tokens whose words the owner has seen.
    #
    # @param token [String]
    # @return [String] the token
    # @raise [Error] as {Opening#reveal}
    def retokenize(token)
      token = Given.text(token)
      Border.call { @native.retokenize(token) }
    end

    # Starts an archive, which is written to a stream.
    #
    # @param output [#write] File, StringIO, ...; it stays open
    # @param now [Time, Integer, nil] when the archive was made
    # @yieldparam writer [ArchiveWriter] finished when the block ends, given up if it is left in another way
    # @return [ArchiveWriter, Object] what the block gives, if there is one
    # @raise [StreamError] `binding.stream`; whatever the stream raises comes out as itself
    # @raise [ClosedError] `binding.closed`
    def archive_writer(output, now: nil, &block)
      stream = Stream::Output.new(output)
      now = Given.moment(now)
      given(ArchiveWriter.of(Border.call_with(stream) { @native.archive_writer(stream, now) }, stream: stream), &block)
    end
  end
end
