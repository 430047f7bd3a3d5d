# frozen_string_literal: true

require "tempfile"

require_relative "helper"

# Blobs and archives over streams, good ones and bad ones.
class TestStreams < BlindtallyTest
  CONTENT = Random.new(7).bytes(300_001).freeze

  def sealed(content = CONTENT)
    io = StringIO.new("".b)
    shared[1].blob_writer(:voice, io, at: 5) { |writer| writer.write(content[0, 7], content[7..].to_s) }
    io.string
  end

  # A stream whose methods are blocks.
  def stream(**methods)
    methods.each_with_object(Object.new) { |(name, block), object| object.define_singleton_method(name, &block) }
  end

  def test_blobs_in_memory_and_as_streams_open_either_way
    owner, agent = shared
    blob = sealed
    assert_equal CONTENT, owner.open_blob(blob)
    whole = agent.seal_blob(:camera, CONTENT, at: NOW)
    owner.blob_reader(StringIO.new(whole)) do |reader|
      assert_equal [:camera, 1, agent.device_id, NOW.to_i * 1000],
                   [reader.header.blob_class, reader.header.epoch, reader.header.device, reader.header.seq]
      assert_equal [CONTENT[0, 10], CONTENT[10, 65_536]], [reader.read(10), reader.read(65_536)]
      buffer = +"old"
      assert_same buffer, reader.read(20, buffer)
      assert_equal CONTENT[65_546, 20], buffer
      assert_equal CONTENT[65_566..], reader.read
      assert_equal ["", nil], [reader.read, reader.read(1)]
      assert_raises(EOFError) { reader.readpartial(1) }
    end
    out = StringIO.new("".b)
    owner.blob_reader(StringIO.new(blob)) { |reader| assert_equal CONTENT.size, IO.copy_stream(reader, out) }
    assert_equal CONTENT, out.string
    assert_equal "", owner.blob_reader(StringIO.new(sealed("")), &:read)
  end

  def test_files_are_streams
    owner, agent = shared
    Tempfile.create("blob", binmode: true) do |file|
      agent.blob_writer(:screenshot, file) { |writer| writer << CONTENT }
      file.rewind
      assert_equal CONTENT, owner.blob_file(file, &:read)
      refute_predicate file, :closed?
    end
  end

  def test_any_part_of_a_blob_is_read
    shared[0].blob_file(StringIO.new(sealed)) do |file|
      assert_equal CONTENT.size, file.size
      file.seek(-5, IO::SEEK_END)
      assert_equal [CONTENT[-5..], true, nil], [file.read, file.eof?, file.read(1)]
      file.pos = 100
      assert_equal [CONTENT[100, 70_000], 70_100], [file.read(70_000), file.pos]
      assert_equal CONTENT[16_380, 10], file.pread(10, 16_380)
      assert_raises(EOFError) { file.pread(1, CONTENT.size) }
      refused("binding.value") { file.seek(-1) }
      refused("binding.value") { file.seek(0, 7) }
      file.seek(2**62)
      assert_equal "", file.read
      file.rewind
      assert_equal CONTENT, file.read
    end
  end

  def test_what_was_released_before_damage_is_given_and_nothing_after
    blob = sealed
    blob.setbyte(200_000, blob.getbyte(200_000) ^ 1)
    reader = shared[0].blob_reader(StringIO.new(blob))
    refused("blob.tampered", BlobError) { reader.read }
    released = "".b
    refused("blob.tampered") { loop { released << reader.readpartial(50_000) } }
    assert_operator released.size, :>, 150_000
    assert CONTENT.start_with?(released)
    refused("blob.tampered") { shared[0].open_blob(blob) }
    assert_raises(BlobError) { shared[0].open_blob(sealed[0, 100_000]) }
    refused("malformed.truncated") { shared[0].open_blob("BT") }
    shared[0].blob_file(StringIO.new(blob)) do |file|
      refused("blob.tampered") { file.read }
      assert_equal [0, CONTENT[0, 9]], [file.pos, file.read(9)]
    end
  end

  def test_archives_are_written_and_read
    owner, = shared
    io = StringIO.new("".b)
    owner.archive_writer(io, now: NOW) do |archive|
      archive.add("a/one.txt", "one", modified: NOW)
      archive.add("two.bin", StringIO.new(CONTENT), modified: LATER)
      archive.add("three", stream(read: ->(_most) { (@given = !@given) ? "xyz" : nil }), length: 3)
      assert_equal 3, archive.files.size
      refused("archive.path", ArchiveError) { archive.add("../up", "") }
    end
    owner.open_archive(io) do |archive|
      assert_equal [:signed, true, NOW], [archive.listing, archive.signed?, archive.made]
      assert_equal ["a/one.txt", "two.bin", "three"], archive.map(&:path)
      assert_equal [NOW, 3, 32], [archive.files[0].modified, archive.files[0].length, archive.files[0].sha256.bytesize]
      assert_equal ["one", CONTENT, "xyz"], [archive.read(0), archive.read("two.bin"), archive.read(archive.files[2])]
      out = StringIO.new("".b)
      archive.copy("two.bin", out)
      assert_equal CONTENT, out.string
      assert_nil archive.check(0)
      ["none", 3].each { |file| refused("archive.no-file", ArchiveError) { archive.read(file) } }
      refused("archive.no-file") { archive.read(-1) }
      refused("binding.value") { archive.read(:one) }
      assert_raises(IOError) { archive.copy(1, stream(write: ->(_bytes) { raise IOError, "full" })) }
      assert_equal "one", archive.read(0)
    end
    refused("archive.too-long", ArchiveError) do
      owner.archive_writer(StringIO.new("".b)) { |archive| archive.add("x", StringIO.new("ab"), length: 3) }
    end
  end

  def test_an_archive_without_its_owner_or_its_end_is_none
    owner, = new_owner
    writer = owner.archive_writer(StringIO.new("".b))
    writer.add("x", "y")
    owner.close
    refused("binding.closed", ClosedError) { writer.finish }
    other = shared[0].archive_writer(StringIO.new("".b))
    other.close
    refused("binding.closed") { other.add("x", "y") }
  end

  def test_an_exception_of_a_stream_comes_out_as_itself
    owner, agent = shared
    mine = Class.new(StandardError).new("mine")
    failing = ->(*) { raise mine }
    assert_same mine, assert_raises(StandardError) { agent.blob_writer(:voice, stream(write: failing)) }
    writer = agent.blob_writer(:voice, stream(write: ->(bytes) { (@so_far = @so_far.to_i + bytes.size) > 20_000 ? raise(mine) : nil }))
    assert_same mine, assert_raises(StandardError) { writer << CONTENT }
    refused("binding.closed", ClosedError) { writer << "more" }
    assert_same mine, assert_raises(StandardError) { owner.blob_reader(stream(read: failing)) }
    assert_same mine, assert_raises(StandardError) { owner.blob_file(stream(read: failing, seek: ->(*) {}, size: -> { 9 })) }
    assert_same mine, assert_raises(StandardError) { owner.open_archive(stream(read: failing, seek: failing, size: failing)) }
    no_error = assert_raises(NotImplementedError) { owner.blob_reader(stream(read: ->(*) { raise NotImplementedError })) }
    assert_instance_of NotImplementedError, no_error
  end

  def test_a_read_that_failed_loses_nothing
    io = StringIO.new(sealed)
    fails = false
    flaky = stream(read: ->(most) { fails && io.pos > 100_000 ? (fails = false and nil) || raise(IOError) : io.read(most) })
    shared[0].blob_reader(flaky) do |reader|
      fails = true
      assert_raises(IOError) { reader.read }
      assert_equal CONTENT, reader.read
    end
  end

  def test_streams_that_do_not_do_what_streams_do_are_refused
    owner, agent = shared
    [->(most) { "x" * (most + 1) }, ->(_) { 7 }, ->(_) { :eof }].each do |read|
      refused_stream { owner.blob_reader(stream(read: read)) }
    end
    [-1, 2**63, nil, 1.5].each do |size|
      refused_stream { owner.blob_file(stream(read: ->(_) {}, seek: ->(*) {}, size: -> { size })) }
    end
    [0, -1, 2**40].each { |taken| refused_stream { agent.blob_writer(:voice, stream(write: ->(_) { taken })) } }
    [nil, 7, "text", Object.new].each do |nothing|
      refused("binding.value", MisuseError) { agent.blob_writer(:voice, nothing) }
      refused("binding.value", MisuseError) { owner.blob_reader(nothing) }
      refused("binding.value", MisuseError) { owner.blob_file(nothing) }
      refused("binding.value", MisuseError) { owner.archive_writer(nothing) }
    end
    refused("malformed.truncated") { owner.blob_reader(stream(read: ->(_) {})) }
  end

  def refused_stream(&block)
    error = assert_raises(Blindtally::StreamError, &block)
    assert_equal "binding.stream", error.code
  end

  def test_a_stream_that_takes_little_at_a_time_gets_everything
    taken = "".b
    little = stream(write: ->(bytes) { taken << bytes[0, 1000] and [1000, bytes.size].min })
    shared[1].blob_writer(:voice, little) { |writer| writer << CONTENT }
    assert_equal CONTENT, shared[0].open_blob(taken)
  end

  def test_nothing_jumps_across_the_core
    _, agent = shared
    [-> { throw :out }, -> { Fiber.yield }, -> { raise SystemExit }, -> { loop { begin; Fiber.yield; rescue FiberError; nil; end } }]
      .zip([UncaughtThrowError, Blindtally::StreamError, SystemExit, Blindtally::StreamError]).each do |leave, kind|
        catch(:out) { assert_raises(kind) { agent.blob_writer(:voice, stream(write: ->(_) { leave.call })) } }
        assert_equal agent.tokenize(:app, "x"), agent.tokenize(:app, "x")
        interruptible
      end
  end

  # A stream that never ended must not leave its masks behind: no Timeout would ever arrive in this thread again.
  def interruptible
    main = Thread.current
    assert_raises(IOError) do
      Thread.new { main.raise(IOError, "arrives") }.join
      Thread.pass
    end
    refute_predicate main, :pending_interrupt?
  end

  def test_a_thread_is_interrupted_while_its_stream_waits
    _, agent = shared
    started = Queue.new
    waiting = stream(write: ->(_) { started << true and sleep })
    thread = Thread.new { agent.blob_writer(:voice, waiting) }
    thread.report_on_exception = false
    started.pop
    thread.raise(IOError, "enough")
    assert_equal "enough", assert_raises(IOError) { thread.join }.message
    thread = Thread.new { agent.blob_writer(:voice, waiting) rescue flunk } # rubocop:disable Style/RescueModifier
    started.pop
    thread.kill
    begin
      thread.join
    rescue Exception => e # rubocop:disable Lint/RescueException
      assert_match(/killed/, e.message)
    end
    refute_predicate thread, :alive?
    assert agent.tokenize(:app, "x")
  end

  def test_a_stream_may_call_back_but_not_what_called_it
    owner, agent = shared
    test = self
    writer = nil
    tokens = []
    sealed = "".b
    nosy = stream(write: lambda { |bytes|
      tokens << agent.tokenize(:app, "x")
      [-> { writer << "x" }, -> { writer.finish }, -> { writer.close }].each { |call| test.busy(&call) } if writer
      sealed << bytes
      bytes.size
    })
    writer = agent.blob_writer(:voice, nosy)
    writer << CONTENT
    # From here on the writer is used up, which is said instead.
    finishing, writer = writer, nil
    finishing.finish
    assert_equal [agent.tokenize(:app, "x")], tokens.uniq
    assert_equal CONTENT, owner.open_blob(sealed)
    reader = nil
    inner = StringIO.new(sealed)
    reading = stream(read: lambda { |most|
      test.busy { reader.read(1) } if reader
      inner.read(most)
    })
    reader = owner.blob_reader(reading)
    assert_equal CONTENT, reader.read
  end

  def test_a_stream_may_close_the_keys_that_it_is_opened_with
    keys, = new_owner
    inner = StringIO.new(sealed)
    closing = stream(read: lambda { |most|
      keys.close
      inner.read(most)
    })
    refused("binding.closed", ClosedError) { keys.blob_reader(closing) }
  end

  def busy(&block)
    refused("binding.busy", BusyError, &block)
  end

  def test_a_stream_that_is_forgotten_is_let_go
    streams = Blindtally::Native::Input.uniffi_handle_map
    GC.start
    before = streams.size
    blob = sealed
    Array.new(20) { shared[0].blob_reader(StringIO.new(blob)) && nil }
    _, warnings = capture_io do
      verbose, $VERBOSE = $VERBOSE, true
      3.times { GC.start }
    ensure
      $VERBOSE = verbose
    end
    # The collector may still see the last ones on the stack.
    assert_operator streams.size, :<, before + 10
    assert_empty warnings
  end

  def test_a_writer_that_is_left_makes_no_blob
    io = StringIO.new("".b)
    assert_raises(IOError) { shared[1].blob_writer(:voice, io) { |writer| writer << CONTENT and raise IOError } }
    assert_raises(BlobError) { shared[0].open_blob(io.string) }
    writer = shared[1].blob_writer(:voice, StringIO.new)
    writer.finish
    refused("binding.closed") { writer << "x" }
    refused("binding.closed") { writer.finish }
    assert_nil writer.close
  end
end
