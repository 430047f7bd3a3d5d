# frozen_string_literal: true

module Blindtally
  # Something was refused, and nothing has changed by it. Its subclasses say what was being done.
  #
  # A message never holds a value, a token or a key.
  class Error < StandardError
    # @return [String] what was refused: stable, and the same in every language; {Blindtally.error_codes} has them all
    attr_reader :code
    # @return [String] a sentence for people
    attr_reader :detail
    # @return [Integer, nil] the place of the refused item in a batch, from 0; nil outside batches
    attr_reader :index

    # @param code [String] the stable code
    # @param detail [String] one sentence
    # @param index [Integer, nil] the place in a batch
    def initialize(code, detail, index = nil)
      @code = code
      @detail = detail
      @index = index
      super("#{detail} [#{code}]#{" (item #{index})" if index}")
    end

    # For pattern matching: `rescue Blindtally::Error => e; case e; in {code: "unlock.wrong"} ...`.
    #
    # @param _keys [Array<Symbol>, nil] the keys that are asked for
    # @return [Hash{Symbol => Object}]
    def deconstruct_keys(_keys)
      { code: code, detail: detail, index: index }
    end
  end

  # Bytes or text are not an artefact of this library (`malformed.`).
  class MalformedError < Error; end

  # The operating system gives no randomness (`entropy.unavailable`).
  class EntropyError < Error; end

  # A value was not tokenized.
  class TokenizeError < Error; end

  # A token was not revealed.
  class RevealError < Error; end

  # A record was not sealed or opened.
  class RecordError < Error; end

  # A blob was not sealed or opened.
  class BlobError < Error; end

  # An archive, or a file in it, was not written or read.
  class ArchiveError < Error; end

  # A password, login name, account secret or recovery key was refused before use.
  class CredentialError < Error; end

  # A vault or a backup did not open.
  class UnlockError < Error; end

  # An operation of the owner's was refused.
  class OwnerError < Error; end

  # A request for keys was not made, or was refused by the owner's side.
  class EnrollmentError < Error; end

  # An agent did not take a delivery or a policy; nothing of its state has changed.
  class AcceptError < Error; end

  # The state of an agent could not be restored.
  class StateError < Error; end

  # The call itself was wrong: an argument of a type that is not taken or out of range (`binding.value`), or a text that is
  # not UTF-8 (`binding.utf8`).
  class MisuseError < Error; end

  # It was closed, or used up by an earlier call (`binding.closed`).
  class ClosedError < MisuseError; end

  # Another call is using it, perhaps one that led to this call (`binding.busy`).
  class BusyError < MisuseError; end

  # A stream did not do what streams do (`binding.stream`). What a stream raises comes out of the call as itself.
  class StreamError < MisuseError; end
end
