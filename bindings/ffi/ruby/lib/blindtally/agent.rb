# frozen_string_literal: true

module Blindtally
  # Where an agent stands.
  class AgentStatus < Value
    # @return [Symbol] `:encrypted` if it seals; `:needs_upgrade` if the policy asks for something that this version does not
    #   know: it seals nothing, and sends nothing plain either; `:revoked` if its keys are erased
    attr_reader :kind
    # @return [Integer, nil] version of the policy in force, while it seals
    attr_reader :policy_version
    # @return [Integer, nil] the number of the epoch it seals in, while it seals
    attr_reader :epoch

    # @private
    def self.of(native)
      return new(kind: :encrypted, policy_version: native.policy_version, epoch: native.epoch) if native.encrypted?

      new(kind: native.revoked? ? :revoked : :needs_upgrade, policy_version: nil, epoch: nil)
    end

    # @return [Boolean] whether it seals
    def encrypted?
      kind == :encrypted
    end

    # @return [Boolean] whether the policy asks for something that this version does not know
    def needs_upgrade?
      kind == :needs_upgrade
    end

    # @return [Boolean] whether its keys are erased
    def revoked?
      kind == :revoked
    end
  end

  # What a device with keys and one that waits for them have in common.
  module AgentState
    include Closeable

    # @return [String] the device's id: 32 hexadecimal digits
    # @raise [ClosedError] `binding.closed`
    def device_id
      Border.call { @native.device_id }
    end

    # @return [String] the account's id: 32 hexadecimal digits
    # @raise [ClosedError] `binding.closed`
    def account
      Border.call { @native.account }
    end

    # @return [String, nil] the ticket that the claim belongs to: 32 hexadecimal digits; nil without one
    # @raise [ClosedError] `binding.closed`
    def claim_ticket
      Border.call { @native.claim_ticket }
    end

    # @return [String] what to show the service for a bearer: 32 secret bytes, yours to wipe
    # @raise [ClosedError] `binding.closed`
    def claim
      Border.call { @native.claim }
    end

    # Everything that must survive a restart: what {Agent.load} takes.
    #
    # @param key [String, nil] 32 bytes of the platform's that the state is wrapped under; in the clear if nil: then reading it
    #   is as good as having the device
    # @return [String] bytes
    # @raise [MisuseError] `binding.value` for a key of another length, `binding.closed`
    def export_state(key:)
      key = Given.optional(key) { |bytes| Given.bytes(bytes) }
      Border.call { @native.export_state(key) }
    end
  end

  # A device that waits for its keys. It seals what it sees under a key of its own meanwhile.
  class PendingAgent < Held
    include AgentState

    # @return [String] what the device shows its user, and the owner types: 24 characters, not secret
    # @raise [ClosedError] `binding.closed`
    def device_code
      Border.call { @native.device_code }
    end

    # Seals a value until the keys are there: keep the record, and give it to {Agent#dequeue} then.
    #
    # @param token_class [Symbol, Integer] one of {TOKEN_CLASSES}, or an id
    # @param value [String] in UTF-8
    # @param at [Time, Integer, nil] the moment that it is of, Integers in Unix milliseconds; now if nil
    # @return [String] the record
    # @raise [RecordError] `record.too-long`
    # @raise [MalformedError] `malformed.value` for an id of no class
    # @raise [MisuseError] `binding.value`, `binding.utf8`, `binding.closed`
    def queue(token_class, value, at: nil)
      token_class = Classes::TOKEN.native(token_class)
      value = Given.text(value)
      at = Given.moment(at)
      Border.call { @native.queue(token_class, value, at) }
    end

    # Takes the delivery: from then on the device seals. Save the agent's state.
    #
    # @param delivery [String] bytes
    # @yieldparam agent [Agent] closed when the block ends
    # @return [Agent, Object] what the block gives, if there is one
    # @raise [AcceptError] `accept.refused` for anything but a genuine one; the pending agent stays as it was
    # @raise [ClosedError] `binding.closed`
    def accept(delivery, &block)
      delivery = Given.bytes(delivery)
      given(Agent.of(Border.call { @native.accept(delivery) }), &block)
    end
  end

  # The agent's end: holds the keys of one device, seals, and never reveals. Any number of threads may seal at once.
  class Agent < Held
    include AgentState

    # Makes a request with a ticket. Takes about a second, in which other threads run, unless an identity is given.
    #
    # @param ticket [Ticket]
    # @param name [String] of the device: 1 to 128 bytes
    # @param identity [Identity, nil] made elsewhere; it is used up
    # @return [Array(PendingAgent, String)] what waits for the delivery, whose state to save first; and the request, which goes
    #   to the owner through the service
    # @raise [EnrollmentError] `enrollment.name`
    # @raise [MisuseError] `binding.value`, `binding.utf8`; `binding.closed` for an identity used up
    def self.enroll(ticket, name, identity: nil)
      ticket = Given.native(ticket, Ticket)
      name = Given.text(name)
      pairs = Given.optional(identity) { |given| Given.native(given, Identity) }
      both(Border.call { Native.enroll(ticket, name, pairs) }, identity)
    end

    # Makes a request without a ticket, by the account code that the owner shows: the owner has to type
    # {PendingAgent#device_code}.
    #
    # @param code [String] as it was typed
    # @param identity [Identity, nil] made elsewhere; it is used up
    # @return [Array(PendingAgent, String)] as {Agent.enroll}
    # @raise [MalformedError] `malformed.` for a mistyped code
    # @raise [Error] as {Agent.enroll}
    def self.enroll_by_code(code, identity: nil)
      code = Given.text(code)
      pairs = Given.optional(identity) { |given| Given.native(given, Identity) }
      both(Border.call { Native.enroll_by_code(code, pairs) }, identity)
    end

    # Brings an agent back from its state, in whichever phase it was.
    #
    # @param state [String] bytes, of {AgentState#export_state}
    # @param key [String, nil] the 32 bytes that it was wrapped under; nil if it is in the clear
    # @yieldparam agent [Agent, PendingAgent] closed when the block ends
    # @return [Agent, PendingAgent, Object] what the block gives, if there is one
    # @raise [StateError, MalformedError] `state.wrong-key`, `state.wrapped`, `state.not-wrapped`, `malformed.`
    # @raise [MisuseError] `binding.value` for a key of another length
    def self.load(state, key: nil, &block)
      state = Given.bytes(state)
      key = Given.optional(key) { |bytes| Given.bytes(bytes) }
      loaded = Border.call { Native.load_agent(state, key) }
      given((loaded.ready? ? Agent : PendingAgent).of(loaded.agent), &block)
    end

    # Brings an agent that has its keys back: as {Agent.load}, for callers who know.
    #
    # @param state [String] bytes, of {AgentState#export_state}
    # @param key [String, nil] the 32 bytes that it was wrapped under; nil if it is in the clear
    # @yieldparam agent [Agent] closed when the block ends
    # @return [Agent, Object] what the block gives, if there is one
    # @raise [StateError] `state.phase` if it is pending
    # @raise [Error] as {Agent.load}
    def self.from_state(state, key: nil, &block)
      state = Given.bytes(state)
      key = Given.optional(key) { |bytes| Given.bytes(bytes) }
      given(of(Border.call { Native::Agent.from_state(state, key) }), &block)
    end

    class << self
      private

      def both(enrollment, identity)
        identity&.send(:used_up)
        [PendingAgent.of(enrollment.pending), enrollment.request]
      end
    end

    # @return [AgentStatus] where it stands
    # @raise [ClosedError] `binding.closed`
    def status
      AgentStatus.of(Border.call { @native.status })
    end

    # @return [Policy] the policy in force
    # @raise [ClosedError] `binding.closed`
    def policy
      Policy.of(Border.call { @native.policy })
    end

    # Seals a value into its token, after bringing it into the form that the policy sets.
    #
    # @param token_class [Symbol, Integer] one of {TOKEN_CLASSES}, or an id
    # @param value [String] up to 4,096 bytes of UTF-8
    # @return [String] the token
    # @raise [TokenizeError] `tokenize.too-long`, `tokenize.no-key`, `agent.needs-upgrade`, `agent.revoked`
    # @raise [MalformedError] `malformed.value` for an id of no class
    # @raise [MisuseError] `binding.value`, `binding.utf8`, `binding.closed`
    def tokenize(token_class, value)
      token_class = Classes::TOKEN.native(token_class)
      value = Given.text(value)
      Border.call { @native.tokenize(token_class, value) }
    end

    # Seals many values of one class in one call: one at a time costs many times as much. Nil stays nil.
    #
    # @param token_class [Symbol, Integer] one of {TOKEN_CLASSES}, or an id
    # @param values [Enumerable<String, nil>]
    # @param errors [:raise, :nil, :return] what becomes of a value that is refused: the first raises and nothing is returned;
    #   nil stands in its place; the {Error} stands in its place
    # @return [Array<String, nil, Error>] the tokens, in order
    # @raise [Error] as {#tokenize}, with its place as `index` if it is of one value
    def tokenize_many(token_class, values, errors: :raise)
      token_class = Classes::TOKEN.native(token_class)
      Batch.call(values, errors, TokenizeError) { |packed| Border.call { @native.tokenize_packed(token_class, packed) } }
    end

    # Seals a record under this device's own key.
    #
    # @param record_class [Symbol, Integer] one of {RECORD_CLASSES}, or an id
    # @param value [String] up to 1 MiB of UTF-8
    # @param at [Time, Integer, nil] the moment that it is of, Integers in Unix milliseconds; now if nil
    # @return [String] the record
    # @raise [RecordError] `record.too-long`, `record.no-key`, `agent.needs-upgrade`, `agent.revoked`
    # @raise [MalformedError] `malformed.value` for an id of no class
    # @raise [MisuseError] `binding.value`, `binding.utf8`, `binding.closed`
    def seal_record(record_class, value, at: nil)
      record_class = Classes::RECORD.native(record_class)
      value = Given.text(value)
      at = Given.moment(at)
      Border.call { @native.seal_record(record_class, value, at) }
    end

    # Seals a blob in memory under this device's own key.
    #
    # @param blob_class [Symbol, Integer] one of {BLOB_CLASSES}, or an id
    # @param content [String] bytes
    # @param at [Time, Integer, nil] the moment that it is of, Integers in Unix milliseconds; now if nil
    # @return [String] bytes
    # @raise [BlobError] `blob.no-key`, `agent.needs-upgrade`, `agent.revoked`
    # @raise [MalformedError] `malformed.value` for an id of no class
    # @raise [MisuseError] `binding.value`, `binding.closed`
    def seal_blob(blob_class, content, at: nil)
      blob_class = Classes::BLOB.native(blob_class)
      content = Given.bytes(content)
      at = Given.moment(at)
      Border.call { @native.seal_blob(blob_class, content, at) }
    end

    # Seals a blob while it is written to a stream, in constant memory.
    #
    # @param blob_class [Symbol, Integer] one of {BLOB_CLASSES}, or an id
    # @param output [#write] File, StringIO, a socket, ...; it stays open
    # @param at [Time, Integer, nil] the moment that it is of, Integers in Unix milliseconds; now if nil
    # @yieldparam writer [BlobWriter] finished when the block ends, given up if it is left in another way
    # @return [BlobWriter, Object] what the block gives, if there is one
    # @raise [StreamError] `binding.stream`; whatever the stream raises comes out as itself
    # @raise [Error] as {#seal_blob}
    def blob_writer(blob_class, output, at: nil, &block)
      blob_class = Classes::BLOB.native(blob_class)
      stream = Stream::Output.new(output)
      at = Given.moment(at)
      given(BlobWriter.of(Border.call_with(stream) { @native.blob_writer(blob_class, stream, at) }, stream: stream), &block)
    end

    # Opens a value that {PendingAgent#queue} sealed before the keys arrived, and tokenizes it.
    #
    # @param record [String]
    # @return [String] the token
    # @raise [RecordError, MalformedError] `record.`, `malformed.` for a record of another device or a damaged one
    # @raise [Error] as {#tokenize}
    def dequeue(record)
      record = Given.text(record)
      Border.call { @native.dequeue(record) }
    end

    # Takes a further delivery, after a rotation or when the owner delivered again. Save the agent's state after `:updated` and
    # `:revoked`.
    #
    # @param delivery [String] bytes
    # @return [Symbol] `:updated`; `:unchanged` if it was the one in force already; `:revoked` if this device is, and its keys
    #   are erased
    # @raise [AcceptError] `accept.stale` for an older one, `accept.refused` for anything but a genuine one, `agent.revoked`;
    #   the agent goes on as it was
    # @raise [ClosedError] `binding.closed`
    def accept(delivery)
      delivery = Given.bytes(delivery)
      Classes.variant(Native::Outcome, Border.call { @native.accept(delivery) })
    end

    # Takes a signed policy that came by itself: a change of forms, or this device's revocation.
    #
    # @param policy [String] bytes
    # @return [Symbol] as {#accept}; `:delivery_needed` if it is of an epoch whose keys have not arrived: the agent seals on in
    #   the old one until they do
    # @raise [Error] as {#accept}
    def apply_policy(policy)
      policy = Given.bytes(policy)
      Classes.variant(Native::Outcome, Border.call { @native.apply_policy(policy) })
    end
  end
end
