# frozen_string_literal: true

module Blindtally
  # An opened record, and what its header says of it.
  class OpenedRecord < Value
    # @return [String] what was sealed
    attr_reader :value
    # @return [Symbol, Integer] what it is about: one of {RECORD_CLASSES}, or an Integer for an application's own
    attr_reader :record_class
    # @return [String] the id of the device that sealed it: 32 hexadecimal digits
    attr_reader :device
    # @return [Integer] when it was made, as its device said: Unix milliseconds
    attr_reader :seq
    # @return [Integer] the number of the epoch whose keys it was sealed with
    attr_reader :epoch

    # @private
    def self.of(native)
      new(value: native.value, record_class: Classes::RECORD.symbol(native.record_class), device: native.device,
          seq: native.seq, epoch: native.epoch)
    end

    private

    def shown
      self.class.fields - [:value]
    end
  end

  # What opens everything of an account: an {Owner}, or a {Restored} backup.
  module Opening
    include Closeable

    # @return [String] the account's id: 32 hexadecimal digits
    # @raise [ClosedError] `binding.closed`
    def account
      Border.call { keys.account }
    end

    # @return [String] SHA-256 of the account's public keys: 64 hexadecimal digits
    # @raise [ClosedError] `binding.closed`
    def fingerprint
      Border.call { keys.fingerprint }
    end

    # Opens one token.
    #
    # @param token [String]
    # @return [String] the value, in UTF-8
    # @raise [RevealError, MalformedError] `malformed.` if it is none, `reveal.` if it is damaged, of another account, or of an
    #   epoch not known here
    # @raise [ClosedError] `binding.closed`
    def reveal(token)
      token = Given.text(token)
      Border.call { keys.reveal(token) }
    end

    # Opens many tokens, of any classes and epochs, in one call: one at a time costs many times as much. Nil stays nil.
    #
    # @param tokens [Enumerable<String, nil>]
    # @param errors [:raise, :nil, :return] what becomes of a token that does not open: the first raises and nothing is
    #   returned; nil stands in its place; the {Error} stands in its place
    # @return [Array<String, nil, Error>] the values, in order
    # @raise [Error] as {#reveal}, with its place as `index`
    # @raise [ClosedError] `binding.closed`
    def reveal_many(tokens, errors: :raise)
      Batch.call(tokens, errors, RevealError) { |packed| Border.call { keys.reveal_packed(packed) } }
    end

    # The text with every token in it that opens replaced by its value; what does not open stays.
    #
    # @param text [String]
    # @return [String]
    # @raise [ClosedError] `binding.closed`
    def reveal_text(text)
      text = Given.text(text)
      Border.call { keys.reveal_text(text) }
    end

    # Opens a record, of whichever device.
    #
    # @param record [String]
    # @return [OpenedRecord]
    # @raise [RecordError, MalformedError] `malformed.` if it is none, `record.` if it is damaged, of another account, or of an
    #   epoch not known here
    # @raise [ClosedError] `binding.closed`
    def open_record(record)
      record = Given.text(record)
      OpenedRecord.of(Border.call { keys.open_record(record) })
    end

    # Opens many records, each for itself. Nil stays nil.
    #
    # @param records [Enumerable<String, nil>]
    # @param errors [:raise, :nil, :return] as for {#reveal_many}
    # @return [Array<OpenedRecord, nil, Error>] in order
    # @raise [Error] as {#open_record}, with its place as `index`
    # @raise [ClosedError] `binding.closed`
    def open_records(records, errors: :raise)
      Batch.each(records, errors) do |texts|
        Border.call { keys.open_records(texts) }.map.with_index do |item, index|
          item.record ? OpenedRecord.of(item.record) : Border.refusal(RecordError, item.error, index)
        end
      end
    end

    # Opens a whole blob in memory. What is longer than some MiB is better read by {#blob_reader} or {#blob_file}.
    #
    # @param blob [String] bytes
    # @return [String] bytes
    # @raise [BlobError, MalformedError] `blob.`: it is damaged, cut off, or of another account; nothing of it is returned
    # @raise [ClosedError] `binding.closed`
    def open_blob(blob)
      blob = Given.bytes(blob)
      Border.call { keys.open_blob(blob) }
    end

    # Opens a blob while it is read, in constant memory.
    #
    # @param input [#read] File, StringIO, a socket, ...; it stays open
    # @yieldparam reader [BlobReader] closed when the block ends
    # @return [BlobReader, Object] what the block gives, if there is one
    # @raise [BlobError, MalformedError] `blob.no-key`, `malformed.`
    # @raise [StreamError] `binding.stream`; whatever the stream raises comes out as itself
    # @raise [ClosedError] `binding.closed`
    def blob_reader(input, &block)
      stream = Stream::Input.new(input)
      given(BlobReader.of(Border.call_with(stream) { keys.blob_reader(stream) }, stream: stream), &block)
    end

    # Opens any part of a blob.
    #
    # @param input [#read, #seek] with `size` or `pos`: File, StringIO, ...; it stays open, and its place is moved
    # @yieldparam file [BlobFile] closed when the block ends
    # @return [BlobFile, Object] what the block gives, if there is one
    # @raise [BlobError, MalformedError] `blob.no-key`; `blob.truncated` or `blob.tampered` if its end is damaged; `malformed.`
    # @raise [StreamError] `binding.stream`; whatever the stream raises comes out as itself
    # @raise [ClosedError] `binding.closed`
    def blob_file(input, &block)
      stream = Stream::RandomInput.new(input)
      given(BlobFile.of(Border.call_with(stream) { keys.blob_file(stream) }, stream: stream), &block)
    end

    # Opens an archive of this account, damaged or not.
    #
    # @param input [#read, #seek] with `size` or `pos`: File, StringIO, ...; it stays open, and its place is moved
    # @yieldparam archive [Archive] closed when the block ends
    # @return [Archive, Object] what the block gives, if there is one
    # @raise [ArchiveError, BlobError, MalformedError] `archive.other-account`, `archive.signature`, `archive.layout`;
    #   `blob.no-key`, `malformed.`
    # @raise [StreamError] `binding.stream`; whatever the stream raises comes out as itself
    # @raise [ClosedError] `binding.closed`
    def open_archive(input, &block)
      stream = Stream::RandomInput.new(input)
      given(Archive.of(Border.call_with(stream) { keys.open_archive(stream) }, stream: stream), &block)
    end

    # What shows the service that the account's keys are known, when the password is lost. The service keeps a SHA-256 of it.
    #
    # @return [String] 32 secret bytes, yours to wipe
    # @raise [ClosedError] `binding.closed`
    def recovery_proof
      Border.call { keys.recovery_proof }
    end

    private

    # They share what holds the keys: closing the owner closes them.
    def keys
      @keys ||= @native.opening_keys
    end
  end
end
