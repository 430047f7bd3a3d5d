# frozen_string_literal: true

module Blindtally
  # A file of an archive, as the manifest, or without one its own header, describes it.
  class ArchivedFile < Value
    # @return [String] its path: segments of ASCII letters, digits, `-`, `_` and `.`, joined by `/`, which every system takes
    #   and which lead nowhere but down
    attr_reader :path
    # @return [Time] when its content was last changed, in whole seconds
    attr_reader :modified
    # @return [Integer] bytes of content
    attr_reader :length
    # @return [String, nil] SHA-256 of the content, as the account signed it: 32 bytes; nil for a file that no manifest lists
    attr_reader :sha256

    # @private
    def self.of(native)
      new(path: native.path, modified: native.modified, length: native.length, sha256: native.sha256)
    end
  end

  # An opened archive: files of an account in one blob, signed by its owner; {Opening#open_archive} gives one. A damaged one
  # opens too: each file is intact or is not. One call at a time uses it.
  class Archive < Held
    include Closeable
    include Enumerable

    # @private
    def initialize(native, stream:)
      super(native)
      @stream = stream
    end

    # @return [Array<ArchivedFile>] its files, in the order of the tar
    def files
      @files ||= Border.call { @native.files }.map { |file| ArchivedFile.of(file) }.freeze
    end

    # @yieldparam file [ArchivedFile]
    # @return [self, Enumerator] an Enumerator without a block
    def each(&block)
      return enum_for(:each) { files.size } unless block

      files.each(&block)
      self
    end

    # Whether the manifest that the account signed lists the files: there were these and no others. Otherwise it is lost, and
    # others may be missing; each file is authentic as far as it opens, but next to damage the inside of one file may show as
    # another.
    #
    # @return [Boolean]
    def signed?
      Border.call { @native.is_signed }
    end

    # @return [Symbol] `:signed` or `:unlisted`: see {#signed?}
    def listing
      signed? ? :signed : :unlisted
    end

    # @return [Time, nil] when the archive was made, by the clock of whoever made it; nil without its manifest
    def made
      Border.call { @native.made }
    end

    # The content of a file, in memory.
    #
    # @param file [Integer, String, ArchivedFile] its place in {#files}, its path, or itself
    # @return [String] bytes
    # @raise [ArchiveError] `archive.damaged`, `archive.no-file`
    # @raise [StreamError] `binding.stream`; whatever the stream raises comes out as itself
    # @raise [ClosedError] `binding.closed`
    def read(file)
      number = number_of(file)
      Border.call_with(@stream) { @native.read(number) }
    end

    # Writes the content of a file to a stream, in constant memory. Only after this has returned is what was written the file.
    #
    # @param file [Integer, String, ArchivedFile] its place in {#files}, its path, or itself
    # @param out [#write] File, StringIO, ...
    # @return [nil]
    # @raise [Error] as {#read}
    def copy(file, out)
      number = number_of(file)
      out = Stream::Output.new(out)
      Border.call_with(@stream) { Border.call_with(out) { @native.copy(number, out) } }
      nil
    end

    # Makes sure that a file is intact, without its content.
    #
    # @param file [Integer, String, ArchivedFile] its place in {#files}, its path, or itself
    # @return [nil]
    # @raise [Error] as {#read}
    def check(file)
      number = number_of(file)
      Border.call_with(@stream) { @native.check(number) }
      nil
    end

    private

    def number_of(file)
      case file
      when Integer then Given.small(file)
      when String then files.index { |known| known.path == file } || no_file
      when ArchivedFile then files.index(file) || no_file
      else Given.refuse
      end
    end

    def no_file
      raise Border.refusal(ArchiveError, "archive.no-file")
    end
  end

  # Writes files of the account into an archive; {Owner#archive_writer} makes one. It is none before {#finish}. One call at a
  # time uses it.
  class ArchiveWriter < Held
    include Closeable

    # @private
    def initialize(native, stream:)
      super(native)
      @stream = stream
    end

    # @return [Array<ArchivedFile>] the files that were added
    # @raise [ClosedError] `binding.closed`
    # @raise [BusyError] `binding.busy`: another call is using it
    def files
      Border.call { @native.files }.map { |file| ArchivedFile.of(file) }
    end

    # Adds a file. If a stream has another length than was said, or fails, the archive is given up.
    #
    # @param path [String] segments of ASCII letters, digits, `-`, `_` and `.`, joined by `/`
    # @param content [String, #read] bytes, or a stream that is read to its end in constant memory
    # @param modified [Time, Integer, nil] when it last changed, Integers in Unix milliseconds; now if nil
    # @param length [Integer, nil] bytes of a stream; where it is nil, as many as lie behind its place (`size` and `pos`)
    # @return [nil]
    # @raise [ArchiveError] `archive.path`, `archive.too-many`, `archive.too-long`
    # @raise [StreamError] `binding.stream`; whatever a stream raises comes out as itself
    # @raise [MisuseError] `binding.value`, `binding.closed`, `binding.busy`
    def add(path, content, modified: nil, length: nil)
      path = Given.text(path)
      modified = Given.moment(modified)
      return add_stream(path, content, modified, length) unless content.is_a?(String)

      content = Given.bytes(content)
      Given.refuse unless length.nil? || length == content.bytesize
      Border.call_with(@stream) { @native.add(path, content, modified) }
      nil
    end

    # Signs the manifest and seals the rest. The stream holds the whole archive after this; it stays open.
    #
    # @return [nil]
    # @raise [ClosedError] `binding.closed`: it was finished or given up, or the owner was closed
    # @raise [Error] as {#add}
    def finish
      Border.call_with(@stream) { @native.finish }
      used_up
      nil
    end

    # Yields it, and finishes the archive when the block ends; gives it up if the block is left in another way.
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

    private

    def add_stream(path, content, modified, length)
      if length.nil?
        Given.refuse unless content.respond_to?(:size) && content.respond_to?(:pos)
        length = content.size - content.pos
      end
      length = Given.number(length)
      input = Stream::Input.new(content)
      Border.call_with(@stream) { Border.call_with(input) { @native.add_stream(path, input, length, modified) } }
      nil
    end
  end
end
