# frozen_string_literal: true

module Blindtally
  # What has fields and nothing else: frozen, equal if its fields are, and open to pattern matching.
  class Value
    class << self
      # @return [Array<Symbol>] the names of the fields, in order
      def fields
        @fields ||= []
      end

      # Each reader that a subclass declares is a field of it.
      # @private
      def attr_reader(name)
        fields << name
        super
      end
    end

    # @param values [Hash{Symbol => Object}] a value for each field, and for nothing else
    def initialize(**values)
      unless values.keys.sort == self.class.fields.sort
        raise ArgumentError, "#{self.class} has the fields #{self.class.fields.join(", ")}"
      end

      values.each { |name, value| instance_variable_set(:"@#{name}", value.frozen? ? value : value.dup.freeze) }
      freeze
    end

    # @return [Hash{Symbol => Object}] the fields
    def to_h
      self.class.fields.to_h { |name| [name, public_send(name)] }
    end

    # @return [Array] the values of the fields, in order
    def deconstruct
      to_h.values
    end

    # @param _keys [Array<Symbol>, nil] the fields that are asked for
    # @return [Hash{Symbol => Object}] the fields
    def deconstruct_keys(_keys)
      to_h
    end

    # @param other [Object]
    # @return [Boolean] whether the other is of the same class and has equal fields
    def ==(other)
      other.instance_of?(self.class) && to_h == other.to_h
    end
    alias eql? ==

    # @return [Integer]
    def hash
      [self.class, to_h].hash
    end

    # @return [String] the fields, but for those that hold what was sealed
    def inspect
      "#<#{self.class} #{shown.map { |name| "#{name}=#{public_send(name).inspect}" }.join(" ")}>"
    end
    alias to_s inspect

    private

    def shown
      self.class.fields
    end
  end
end
