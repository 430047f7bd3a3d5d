# frozen_string_literal: true

# Arguments, checked once and turned into what the core takes; they are never changed.

module Blindtally
  # @private
  module Given
    # Lengths cross as signed numbers of 32 bits.
    LONGEST = 2**31 - 1

    module_function

    def refuse(code = "binding.value", index = nil)
      raise Border.refusal(MisuseError, code, index)
    end

    # A String in UTF-8, or in ASCII whatever its encoding is called. Others are refused, not transcoded: what a value is
    # must not depend on how it was labelled. A copy, so that other threads may go on with theirs.
    def text(value)
      refuse unless value.is_a?(String)
      copy = String.new(value)
      refuse if copy.bytesize > LONGEST
      refuse("binding.utf8") unless text?(copy)
      copy.encoding == Encoding::UTF_8 ? copy : copy.force_encoding(Encoding::UTF_8)
    end

    def text?(string)
      string.encoding == Encoding::UTF_8 ? string.valid_encoding? : string.ascii_only?
    end

    # A password: in UTF-8, whether its encoding says so or BINARY. The core checks it; no copy is made here.
    def secret_text(value)
      refuse unless value.is_a?(String) && value.bytesize <= LONGEST
      known = [Encoding::UTF_8, Encoding::BINARY].include?(value.encoding) || value.ascii_only?
      refuse("binding.utf8") unless known
      value
    end

    def bytes(value)
      refuse unless value.is_a?(String) && value.bytesize <= LONGEST
      String.new(value)
    end

    def optional(value)
      value.nil? ? nil : yield(value)
    end

    def flag(value)
      refuse unless [true, false].include?(value)
      value
    end

    def whole(value)
      refuse unless value.is_a?(Integer)
      value
    end

    def small(value)
      refuse unless value.is_a?(Integer) && value.between?(-2**31, 2**31 - 1)
      value
    end

    def number(value)
      refuse unless value.is_a?(Integer) && value.between?(-2**63, 2**63 - 1)
      value
    end

    # A Time, or milliseconds since 1970; nothing before that.
    def moment(value)
      case value
      when nil then nil
      when Time
        refuse unless value.tv_sec.between?(0, 2**63 / 1000)
        value
      else
        refuse unless value.is_a?(Integer) && value.between?(0, 2**63 - 1)
        Time.at(value / 1000, value % 1000, :millisecond)
      end
    end

    # Seconds, as the core's bindings take durations.
    def duration(value)
      refuse unless value.is_a?(Integer) && value.between?(0, 2**62)
      Time.at(value)
    end

    # One of ours, as the core knows it.
    def native(value, kind)
      refuse unless value.instance_of?(kind)
      value.instance_variable_get(:@native)
    end
  end
  private_constant :Given
end
