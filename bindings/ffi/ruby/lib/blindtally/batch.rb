# frozen_string_literal: true

# Many values in one call: they cross in one piece of memory.

module Blindtally
  # @private
  module Batch
    # In the length of a result: it is the code of a refusal.
    REFUSED = 1 << 31
    ERRORS = %i[raise nil return].freeze

    module_function

    # Gives the packed values to the block, which gives the packed results; `refusal` is what refused items raise. Values that
    # are nil stay nil.
    def call(values, errors, refusal)
      Given.refuse unless ERRORS.include?(errors)
      Given.refuse unless values.respond_to?(:to_ary) || values.is_a?(Enumerable)
      values = values.to_a.dup
      plain = values.all? { |value| value.instance_of?(String) && (value.ascii_only? || Given.text?(value)) }
      return unpack(yield(pack(values)), errors, refusal) if plain

      sparse(values, errors) { |texts| unpack(yield(pack(texts)), :return, refusal) }
    end

    # As {call}, where items do not cross packed: the block gives a result for each.
    def each(values, errors, &block)
      Given.refuse unless ERRORS.include?(errors)
      Given.refuse unless values.respond_to?(:to_ary) || values.is_a?(Enumerable)
      sparse(values.to_a.dup, errors, &block)
    end

    # With items that are nil, or that never reach the core.
    def sparse(values, errors)
      results = values.each_with_index.map { |value, index| text(value, index) }
      places = results.each_index.select { |index| results[index].is_a?(String) }
      yield(results.values_at(*places)).each_with_index do |result, number|
        index = places[number]
        results[index] = result.is_a?(Error) ? result.class.new(result.code, result.detail, index) : result
      end
      settle(results, errors)
    end

    def text(value, index)
      value.nil? ? nil : Given.text(value)
    rescue MisuseError => e
      Border.refusal(MisuseError, e.code, index)
    end

    def pack(texts)
      joined = texts.join
      Given.refuse if joined.bytesize + 4 * texts.size > Given::LONGEST - 4
      [texts.size, *texts.map(&:bytesize)].pack("V*") << joined.force_encoding(Encoding::BINARY)
    end

    def unpack(packed, errors, refusal)
      count = packed.unpack1("V")
      lengths = packed.unpack("V#{count}", offset: 4)
      at = 4 + 4 * count
      packed.force_encoding(Encoding::UTF_8)
      is_refused = false
      results = lengths.map do |length|
        if length < REFUSED
          at += length
          packed.byteslice(at - length, length)
        else
          is_refused = true
          at += length - REFUSED
          # Its place is told below.
          packed.byteslice(at - length + REFUSED, length - REFUSED).to_sym
        end
      end
      is_refused ? settle(named(results, refusal), errors) : results
    end

    # With the refusal that each code stands for.
    def named(results, refusal)
      results.map.with_index { |result, index| result.is_a?(Symbol) ? Border.refusal(refusal, result.name, index) : result }
    end

    def settle(results, errors)
      case errors
      when :return then results
      when :nil then results.map { |result| result.is_a?(Error) ? nil : result }
      else
        refused = results.find { |result| result.is_a?(Error) }
        refused ? raise(refused) : results
      end
    end
  end
  private_constant :Batch
end
