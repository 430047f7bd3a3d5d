# frozen_string_literal: true

# Streams of people's (File, StringIO, a socket, whatever reads or writes as they do), as the core calls them.

module Blindtally
  # @private
  module Stream
    # What the core has asked a stream for, run so that nothing but a value or Native::StreamError leaves it: the core's frames
    # lie below, and Ruby must not jump across them.
    class Guarded
      # Ends a thread that was killed while a stream waited. Ruby has no way to go on with killing it, once the core's frames
      # have returned; so it is no StandardError, which would be rescued on the way.
      class Killed < Exception; end # rubocop:disable Lint/InheritException

      def initialize(stream, *methods)
        Given.refuse unless methods.all? { |method| stream.respond_to?(method) }
        @stream = stream
        @raised = {}.compare_by_identity
      end

      # Raises what the stream raised in the call of this thread, once.
      def raise_on
        raised = @raised.delete(Thread.current)
        return unless raised

        Thread.current.report_on_exception = false if raised.is_a?(Killed)
        raise raised
      end

      private

      # In a fiber of its own: `throw`, Fiber.yield and the end of the thread stop there, and a scheduler of fibers stays out of
      # it. There, other threads may interrupt a stream that waits (Border keeps them out of everything else).
      def guarded(&block)
        result = nil
        ended = nil
        suspended = false
        inner = Fiber.new(blocking: true) do
          result = block.call
          ended = :well
        rescue Exception => e # rubocop:disable Lint/RescueException
          ended = e
        ensure
          ended ||= Killed.new("the thread was killed")
        end
        # Masks are the thread's, one above the other, and not the fiber's: a stream that suspends the call and never ends would
        # leave its own on top of Border's, which would then stay for good. So they are those of a fiber that always ends.
        outer = Fiber.new(blocking: true) do
          Thread.handle_interrupt(Object => :immediate) do
            resume(inner)
            suspended = inner.alive?
            finish(inner)
          end
        rescue Exception => e # rubocop:disable Lint/RescueException
          ended = e unless ended.is_a?(Exception)
        end
        resume(outer) { ended = Killed.new("the thread was killed") unless ended.is_a?(Exception) }
        failed("a stream suspended the call") if suspended
        return result if ended == :well

        failed(ended.reason) if ended.is_a?(Native::StreamError::Failed)
        @raised[Thread.current] = ended
        failed("the stream raised #{ended.class}")
      end

      # A stream that suspends the call is ended at the place where it waits, so that its own ensure clauses run.
      def finish(fiber)
        100.times { fiber.raise(FiberError, "a stream must not suspend the call") if fiber.alive? }
      end

      def resume(fiber)
        fiber.resume
      rescue TypeError
        # What Ruby makes of a thread that is killed within a fiber.
        yield if block_given?
      end

      def failed(reason)
        raise Native::StreamError::Failed.new(reason: reason)
      end

      # At most so many bytes; none at the end.
      def read_from(stream, most)
        piece = stream.read(most)
        piece = "" if piece.nil?
        failed("a stream gave something else than bytes") unless piece.is_a?(String)
        failed("a stream gave more than it was asked for") if piece.bytesize > most
        String.new(piece)
      end
    end

    # What sealed bytes are written to.
    class Output < Guarded
      def initialize(stream)
        super(stream, :write)
      end

      # @private
      def write(bytes)
        guarded do
          until bytes.empty?
            taken = @stream.write(bytes)
            # Not everything that writes says how much.
            break unless taken.is_a?(Integer) && taken != bytes.bytesize

            failed("a stream took another number of bytes than it was given") unless taken.between?(1, bytes.bytesize)
            bytes = bytes.byteslice(taken..)
          end
        end
        nil
      end
    end

    # What sealed bytes are read from, in order.
    class Input < Guarded
      def initialize(stream)
        super(stream, :read)
      end

      # @private
      def read(most)
        guarded { read_from(@stream, most) }
      end
    end

    # What sealed bytes are read from, anywhere.
    class RandomInput < Guarded
      def initialize(stream)
        super(stream, :read, :seek)
        Given.refuse unless stream.respond_to?(:size) || stream.respond_to?(:pos)
      end

      # @private
      def length
        guarded do
          length = if @stream.respond_to?(:size)
                     @stream.size
                   else
                     @stream.seek(0, IO::SEEK_END)
                     @stream.pos
                   end
          failed("a stream has no length") unless length.is_a?(Integer) && length.between?(0, 2**63 - 1)
          length
        end
      end

      # @private
      def read_at(offset, most)
        guarded do
          @stream.seek(offset, IO::SEEK_SET)
          read_from(@stream, most)
        end
      end
    end
  end
  private_constant :Stream
end
