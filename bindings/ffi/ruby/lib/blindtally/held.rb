# frozen_string_literal: true

module Blindtally
  # A copy would take over the finalizer, and what is held would be freed twice.
  Native.constants.map { |name| Native.const_get(name) }.each do |kind|
    kind.class_eval { undef_method :dup, :clone } if kind.is_a?(Class) && kind.respond_to?(:uniffi_allocate)
  end

  # An object of the core's: it cannot be copied or dumped, since two could not be told which of them is wiped, and it is
  # shown without what is in it.
  class Held
    class << self
      private :new

      # @private
      def of(native, **fields)
        new(native, **fields)
      end

      private

      # What a method gives: itself, or to a block and then closed.
      def given(held, &block)
        block ? held.use(&block) : held
      end
    end

    # @private
    def initialize(native)
      @native = native
      # Ractors refuse to move what has one of these.
      @unmoved = Thread::Mutex.new
    end

    # @private
    def initialize_copy(_other)
      raise TypeError, "a #{self.class} cannot be copied"
    end

    # @private
    def marshal_dump
      raise TypeError, "a #{self.class} cannot be dumped"
    end

    # @private
    def encode_with(_coder)
      raise TypeError, "a #{self.class} cannot be dumped"
    end

    # @return [String] the class, and whether it is closed; never what it holds
    def inspect
      "#<#{self.class}#{" closed" if respond_to?(:closed?) && closed?}>"
    end
    alias to_s inspect

    private

    def given(held, &block)
      block ? held.use(&block) : held
    end
  end

  # What holds keys: {#close} wipes them, and every use after that raises {ClosedError}.
  module Closeable
    # Wipes the keys now, whoever still refers to this object. May be called again.
    #
    # @return [nil]
    # @raise [BusyError] `binding.busy`: a stream of another call is using it
    def close
      Border.call { @native.wipe }
      @closed = true
      nil
    end

    # @return [Boolean] whether it was closed, or used up by the call that took it
    def closed?
      @closed ? true : false
    end

    # Yields it, and closes it when the block ends, however it ends.
    #
    # @yieldparam self [self]
    # @return [Object] what the block gives
    def use
      yield self
    ensure
      close
    end

    private

    def used_up
      @closed = true
    end
  end
end
