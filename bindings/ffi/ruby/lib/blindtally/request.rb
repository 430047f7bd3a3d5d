# frozen_string_literal: true

module Blindtally
  # A request that is known to come from the device it names: show it to the owner, then {Owner#approve} it, which uses it up.
  class VerifiedRequest < Held
    # @return [String] the device's id: 32 hexadecimal digits
    def device_id
      Border.call { @native.device_id }
    end

    # @return [String] the name that it gave itself, or that the owner gave it. Text of an attacker's, perhaps, where it came
    #   from a device
    def name
      Border.call { @native.name }
    end

    # @return [Integer, nil] how many devices the ticket is good for: if several, show each confirmation to the owner. Nil
    #   without a ticket
    def ticket_uses
      Border.call { @native.ticket_uses }
    end

    # @return [Boolean] true: {Owner#approve} takes it
    def verified?
      true
    end
  end

  # A request made without a ticket: a person must compare codes first.
  class ComparisonRequest < Held
    # @return [String] the id of the device that claims to have made it: 32 hexadecimal digits
    def device_id
      Border.call { @native.device_id }
    end

    # @return [Boolean] false: it must be confirmed first
    def verified?
      false
    end

    # Takes the code that the device shows its user, as the owner typed it, and the name the owner gives the device.
    #
    # @param code_shown [String] 24 characters; case, hyphens and spaces do not matter
    # @param name [String] 1 to 128 bytes
    # @return [VerifiedRequest]
    # @raise [EnrollmentError] `enrollment.code`: it is another device's code, or mistyped; `enrollment.name`
    def confirm(code_shown, name)
      code_shown = Given.text(code_shown)
      name = Given.text(name)
      VerifiedRequest.of(Border.call { @native.confirm(code_shown, name) })
    end
  end
end
