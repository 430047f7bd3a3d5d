# frozen_string_literal: true

module Blindtally
  # A secret from the owner to one installer. Whoever holds a ticket may enrol a device; it must never reach the service.
  class Ticket < Held
    # Reads what {#to_text} or {#to_link} gave; white space around it does not matter.
    #
    # @param text [String]
    # @return [Ticket]
    # @raise [MalformedError] `malformed.`: it is mistyped (`malformed.checksum`), or not a ticket at all
    def self.parse(text)
      text = Given.text(text)
      of(Border.call { Native::Ticket.parse(text) })
    end

    # @return [String] the text that goes into an installer, a QR code or device management. It is secret
    def to_text
      Border.call { @native.to_text }
    end

    # @return [String] the ticket as a link, in a scheme that no web server ever gets to see. It is secret
    def to_link
      Border.call { @native.to_link }
    end

    # @return [String] its id, 32 hexadecimal digits: what cancels it
    def id
      Border.call { @native.id }
    end

    # @return [String] the account it is for: 32 hexadecimal digits
    def account
      Border.call { @native.account }
    end

    # @return [Time] when it expires, by the owner's clock
    def expiry
      Border.call { @native.expiry }
    end

    # @return [Integer] how many devices may use it
    def uses
      Border.call { @native.uses }
    end

    # @return [String] what to register at the service, so that it takes uploads from whoever shows the claim: 32 bytes, not
    #   secret
    def authenticator_hash
      Border.call { @native.authenticator_hash }
    end
  end
end
