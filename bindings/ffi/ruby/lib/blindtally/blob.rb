# frozen_string_literal: true

module Blindtally
  # What a blob says of itself. Of a blob that was opened it is authentic.
  class BlobHeader < Value
    # @return [Symbol, Integer] what it holds: one of {BLOB_CLASSES}, or an Integer for an application's own
    attr_reader :blob_class
    # @return [Integer] the number of the epoch of its key
    attr_reader :epoch
    # @return [String] the device that sealed it: 32 hexadecimal digits
    attr_reader :device
    # @return [String] its name: 32 hexadecimal digits
    attr_reader :id
    # @return [Integer] when: Unix milliseconds of what it holds
    attr_reader :seq

    # @private
    def self.of(native)
      new(blob_class: Classes::BLOB.symbol(native.blob_class), epoch: native.epoch, device: native.device, id: native.id,
          seq: native.seq)
    end
  end

  # Seals what is written to it, in constant memory; {Agent#blob_writer} makes one. It is no blob before {#finish}. One call
  # at a time uses it.
  class BlobWriter < Held
    include Closeable

    # @private
    def initialize(native, stream:)
      super(native)
      @stream = stream
    end

    # @return [BlobHeader] what the blob says of itself
    def header
      @header ||= BlobHeader.of(Border.call { @native.header })
    end

    # Takes all of the content. If the stream fails meanwhile, nobody knows how much it took: the blob is given up.
    #
    # @param content [Array<String>] bytes
    # @return [Integer] the number of bytes
    # @raise [ClosedError] `binding.closed`: it was finished or given up
    # @raise [BusyError] `binding.busy`: another call is using it
    # @raise [BlobError] `blob.too-long`
    # @raise [StreamError] `binding.stream`; whatever the stream raises comes out as itself
    def write(*content)
      content.map { |bytes| Given.bytes(bytes) }.sum do |bytes|
        Border.call_with(@stream) { @native.write(bytes) }
        bytes.bytesize
      end
    end

    # As {#write}.
    #
    # @param content [String] bytes
    # @return [self]
    def <<(content)
      write(content)
      self
    end

    # Seals the rest, and closes this writer. The stream holds the whole blob after this; it stays open.
    #
    # @return [nil]
    # @raise [Error] as {#write}; the blob is given up then
    def finish
      Border.call_with(@stream) { @native.finish }
      used_up
      nil
    end

    # Yields it, and finishes the blob when the block ends; gives it up if the block is left in another way.
    #
    # @yieldparam writer [self]
    # @return [Object] what the block gives
    def use
      result = yield self
      finish unless closed?
      result
    ensure
      close
    end
  end

  # What reads content: as IO does, in binary.
  module Readable
    # The content up to so many bytes, or all that is left.
    #
    # @param length [Integer, nil] at most so many bytes
    # @param buffer [String, nil] is filled with them
    # @return [String, nil] fewer bytes only at the end; nil at the end if a positive length was asked for
    # @raise [BlobError] `blob.`: what follows is not as it was sealed. What was read of it before is not lost: {#readpartial}
    #   gives it
    # @raise [StreamError] `binding.stream`; whatever the stream raises comes out as itself
    # @raise [MisuseError] `binding.value`: a negative length
    # @raise [ClosedError] `binding.closed`
    def read(length = nil, buffer = nil)
      Given.refuse unless length.nil? || (length.is_a?(Integer) && length >= 0)
      Given.refuse unless buffer.nil? || buffer.is_a?(String)
      content = gather(length)
      content = nil if content.empty? && length&.positive?
      return content unless buffer

      buffer.replace(content || "".b)
      content && buffer
    end

    # The next content, as soon as there is some.
    #
    # @param most [Integer] at most so many bytes
    # @param buffer [String, nil] is filled with them
    # @return [String] at least one byte
    # @raise [EOFError] at the end
    # @raise [Error] as {#read}
    def readpartial(most, buffer = nil)
      Given.refuse unless most.is_a?(Integer) && most.positive?
      Given.refuse unless buffer.nil? || buffer.is_a?(String)
      content = kept(most) || piece(most)
      raise EOFError, "end of the blob" if content.empty?

      buffer ? buffer.replace(content) : content
    end

    # Yields the content, piece by piece, to its end.
    #
    # @param most [Integer] bytes of a piece, at most
    # @yieldparam piece [String] at least one byte
    # @return [self, Enumerator] an Enumerator without a block
    # @raise [Error] as {#read}
    def each_piece(most = 65_536)
      return enum_for(:each_piece, most) unless block_given?

      loop do
        piece = begin
          readpartial(most)
        rescue EOFError
          return self
        end
        yield piece
      end
    end

    private

    # The most that the core gives at once.
    PIECE = 1 << 20
    private_constant :PIECE

    def gather(length)
      gathered = "".b
      until length && gathered.bytesize >= length
        most = length ? length - gathered.bytesize : PIECE
        next_piece = kept(most) || piece(most)
        break if next_piece.empty?

        gathered << next_piece
      end
      gathered
    rescue Exception # rubocop:disable Lint/RescueException
      @kept = gathered + (@kept || "")
      raise
    end

    # What an earlier read had before it failed.
    def kept(most)
      return if @kept.nil? || @kept.empty?

      @kept.slice!(0, most)
    end
  end

  # Opens a blob while it is read; {Opening#blob_reader} makes one. What it gives is authentic, but it is the whole content
  # only once the end has been read without an error. One call at a time uses it.
  class BlobReader < Held
    include Closeable
    include Readable

    # @private
    def initialize(native, stream:)
      super(native)
      @stream = stream
    end

    # @return [BlobHeader] what the blob says of itself
    def header
      @header ||= BlobHeader.of(Border.call { @native.header })
    end

    private

    def piece(most)
      most = [most, PIECE].min
      Border.call_with(@stream) { @native.read(most) }
    end
  end

  # Opens any part of a blob; {Opening#blob_file} makes one. Each part is checked when it is read: a damaged one is refused,
  # others are read all the same. One call at a time uses it.
  class BlobFile < Held
    include Closeable
    include Readable

    # @return [Integer] where the next {#read} begins: bytes of content
    attr_reader :pos

    # @private
    def initialize(native, stream:)
      super(native)
      @stream = stream
      @pos = 0
    end

    # @return [BlobHeader] what the blob says of itself
    def header
      @header ||= BlobHeader.of(Border.call { @native.header })
    end

    # @return [Integer] bytes of content, which is authentic
    def size
      Border.call { @native.length }
    end
    alias length size

    # @param pos [Integer] bytes of content before the next {#read}
    # @raise [MisuseError] `binding.value`: it is negative
    def pos=(pos)
      seek(pos)
    end
    alias tell pos

    # Goes to a place, which may lie behind the end.
    #
    # @param offset [Integer] bytes
    # @param whence [Integer] IO::SEEK_SET, IO::SEEK_CUR or IO::SEEK_END: from the beginning, from here, from the end
    # @return [0] as IO does
    # @raise [MisuseError] `binding.value`: it is before the beginning
    def seek(offset, whence = IO::SEEK_SET)
      base = { IO::SEEK_SET => 0, IO::SEEK_CUR => pos, IO::SEEK_END => size }[whence]
      Given.refuse unless base && offset.is_a?(Integer)
      Given.refuse unless (base + offset).between?(0, 2**63 - 1)
      @kept = nil
      @pos = base + offset
      0
    end

    # Goes to the beginning.
    #
    # @return [0]
    def rewind
      seek(0)
    end

    # @return [Boolean] whether there is nothing more from here
    def eof?
      pos >= size
    end

    # Content at an offset, wherever {#pos} is.
    #
    # @param length [Integer] at most so many bytes
    # @param offset [Integer] from the beginning
    # @return [String] at least one byte, unless none was asked for
    # @raise [EOFError] at the end
    # @raise [Error] as {#read}
    def pread(length, offset)
      Given.refuse unless length.is_a?(Integer) && length >= 0
      offset = Given.number(offset)
      gathered = "".b
      while gathered.bytesize < length
        part = at(offset + gathered.bytesize, length - gathered.bytesize)
        break if part.empty?

        gathered << part
      end
      raise EOFError, "end of the blob" if gathered.empty? && length.positive?

      gathered
    end

    private

    def piece(most)
      content = at(@pos, most)
      @pos += content.bytesize
      content
    end

    def at(offset, most)
      most = [most, PIECE].min
      Border.call_with(@stream) { @native.read_at(offset, most) }
    end

    def gather(length)
      from = @pos
      super
    rescue Exception # rubocop:disable Lint/RescueException
      # Nothing needs to be kept: it can be read again.
      @kept = nil
      @pos = from
      raise
    end
  end
end
