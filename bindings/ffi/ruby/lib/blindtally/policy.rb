# frozen_string_literal: true

module Blindtally
  # A class that agents seal, and the form its values are brought into.
  class PolicyClass < Value
    # @return [Symbol] `:token`, `:record` or `:blob`
    attr_reader :kind
    # @return [Symbol, Integer] the class; an Integer for an application's own
    attr_reader :sealed_class
    # @return [Symbol] one of {CANONICAL_FORMS}
    attr_reader :form
  end

  # What agents may seal and how, signed by the account.
  class Policy < Value
    # @return [Integer] counts up with every change; agents refuse lower ones
    attr_reader :version
    # @return [Time] when it was signed, by the owner's clock
    attr_reader :issued_at
    # @return [Integer] the number of the epoch that agents seal in
    attr_reader :epoch
    # @return [String] names the epoch's key: 32 hexadecimal digits
    attr_reader :key_id
    # @return [Array<String>] the ids of revoked devices, in order
    attr_reader :revoked
    # @return [Array<PolicyClass>] the classes that agents seal, in order of id
    attr_reader :classes
    # @return [String] the bytes that are signed, with the signature: what the service hands to agents
    attr_reader :signed

    # @private
    def self.of(native)
      classes = native.classes.map do |entry|
        kind, sealed_class = Classes.sealed(entry.sealed_class)
        PolicyClass.new(kind: kind, sealed_class: sealed_class, form: CANONICAL_FORMS.fetch(entry.form))
      end
      new(version: native.version, issued_at: native.issued_at, epoch: native.epoch, key_id: native.key_id,
          revoked: native.revoked, classes: classes, signed: native.signed)
    end

    private

    def shown
      self.class.fields - [:signed]
    end
  end
end
