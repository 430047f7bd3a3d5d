# frozen_string_literal: true

module Blindtally
  # A new state of the account. Store {#vault} at the service if it still holds generation {#expected}; only when that
  # succeeded, call {#committed} and send what it gives.
  class Change < Held
    # @return [String] the vault: opaque to the service
    def vault
      Border.call { @native.vault }
    end

    # @return [Integer] the generation that the service must still hold: 0 for a new account
    def expected
      Border.call { @native.expected }
    end

    # @return [Integer] the generation of this vault
    def generation
      Border.call { @native.generation }
    end

    # Says that the service stored the vault, and opens the outbox. Once only.
    #
    # @return [Outbox]
    # @raise [ClosedError] `binding.closed`: it was called before
    def committed
      Outbox.of(Border.call { @native.committed })
    end
  end

  # Messages that a stored change allows to be sent.
  class Outbox < Value
    # @return [Hash{String => String}] what devices get: by the device's id, what its agent accepts
    attr_reader :deliveries
    # @return [String, nil] the new signed policy, for every device, revoked ones too; nil if it did not change
    attr_reader :policy
    # @return [Array<String>] ids of devices that the service should take nothing from any more
    attr_reader :revoked

    # @private
    def self.of(native)
      deliveries = native.deliveries.to_h { |delivery| [delivery.device, delivery.message.freeze] }
      new(deliveries: deliveries, policy: native.policy, revoked: native.revoked)
    end

    # @return [String, nil] the delivery, where there is one: after an approval. Nil if there is none, or several
    def delivery
      deliveries.values.first if deliveries.size == 1
    end

    # @return [String] how much of each, not the messages themselves
    def inspect
      "#<#{self.class} deliveries=#{deliveries.keys.inspect} policy=#{policy ? "new" : "nil"} revoked=#{revoked.inspect}>"
    end
    alias to_s inspect
  end

  # A changed password: what the service needs to exchange the old for the new in one transaction.
  class PasswordChange < Held
    # @return [Prelogin] what to answer to prelogin from now on
    def prelogin
      Prelogin.of(Border.call { @native.prelogin })
    end

    # @return [Change] the rewrapped vault; its outbox is empty
    def change
      @change ||= Change.of(Border.call { @native.change })
    end

    # @return [String] shows the service that the old password was known: 32 secret bytes, yours to wipe
    def old_proof
      Border.call { @native.old_proof }
    end

    # @return [String] the proof to take from now on: 32 secret bytes, yours to wipe. The service keeps a SHA-256 of them
    def new_proof
      Border.call { @native.new_proof }
    end
  end
end
