# frozen_string_literal: true

# Calls into the core, and what it refuses as exceptions of this package.

module Blindtally
  # @private
  module Border
    # No exception of another thread's (Thread#raise, Timeout, Thread#kill) falls into the middle of a call: a result that is
    # on its way would be lost, with keys in it. It comes right after.
    UNDISTURBED = { Object => :never }.freeze

    CLASSES = {
      Malformed: MalformedError, Entropy: EntropyError, Tokenize: TokenizeError, Reveal: RevealError, Record: RecordError,
      Blob: BlobError, Archive: ArchiveError, Credential: CredentialError, Unlock: UnlockError, Owner: OwnerError,
      Enrollment: EnrollmentError, Accept: AcceptError, State: StateError, Misuse: MisuseError
    }.to_h { |variant, error| [Native::BlindtallyError.const_get(variant), error] }.freeze
    MISUSES = { "binding.closed" => ClosedError, "binding.busy" => BusyError, "binding.stream" => StreamError }.freeze
    REFUSALS = CLASSES.keys.freeze

    def self.call(&block)
      Thread.handle_interrupt(UNDISTURBED, &block)
    rescue *REFUSALS => e
      raise error(CLASSES.fetch(e.class), e.code, e.detail), cause: nil
    rescue Native::InternalError => e
      raise "blindtally has a bug: #{e.message}", cause: nil
    end

    # A call that may lead to calls of streams: what one of them raised comes out of it, whatever the core made of that.
    def self.call_with(stream, &block)
      call(&block)
    ensure
      stream.raise_on
    end

    # The refusal of an item of a batch, of which the core tells the code alone.
    def self.refusal(fallback, code, index = nil)
      @details ||= call { Native.error_codes }.to_h { |known| [known.code, known.detail] }.freeze
      error(code.start_with?("binding.") ? MisuseError : fallback, code, @details.fetch(code), index)
    end

    def self.error(kind, code, detail, index = nil)
      MISUSES.fetch(code, kind).new(code, detail, index)
    end
  end
  private_constant :Border
end
