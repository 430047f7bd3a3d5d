# frozen_string_literal: true

# Measures one call for each value against one call for all, and prints the figures as JSON: run.rb [--only NAME]

require "json"

require "blindtally"

KEYS = File.expand_path("../../../../tests/keys", __dir__)
VALUES = 1_000
ROUNDS = 15
GOAL = 10

def identity(name)
  pairs = %w[encryption signing].map { |use| File.binread("#{KEYS}/#{name}-#{use}.pkcs8") }
  Blindtally::Identity.from_pkcs8(*pairs)
end

# Nanoseconds for each value.
def measured
  start = Process.clock_gettime(Process::CLOCK_MONOTONIC, :nanosecond)
  yield
  (Process.clock_gettime(Process::CLOCK_MONOTONIC, :nanosecond) - start).fdiv(VALUES)
end

def median(numbers)
  numbers.sort[numbers.size / 2]
end

# Both in turn, so that what else the machine does meets both.
def figure(name, one, many)
  raise "#{name}: the results differ" unless one.call == many.call

  singles, batches = Array.new(ROUNDS) { [measured(&one), measured(&many)] }.transpose.map { |times| median(times) }
  ratio = singles / batches
  { figure: name, ours: batches.round(1), peer: singles.round(1), ratio: ratio.round(1), goal: GOAL, holds: ratio >= GOAL }
end

only = ARGV[0] == "--only" ? ARGV.fetch(1) : ""
kdf = Blindtally::Kdf.pbkdf2(iterations: 600_000)
owner, = Blindtally::Owner.create("anna@example.com", "a password", kdf: kdf, identity: identity("account"))
pending, request = Blindtally::Agent.enroll(owner.issue_ticket, "laptop", identity: identity("device1"))
agent = pending.accept(owner.approve(owner.inspect(request)).committed.delivery)

figures = [11, 45, 93].flat_map do |length|
  values = Array.new(VALUES) { |number| number.to_s.rjust(length, "value ") }
  tokens = agent.tokenize_many(:title, values)
  { "tokenize" => [-> { values.map { |value| agent.tokenize(:title, value) } }, -> { agent.tokenize_many(:title, values) }],
    "reveal" => [-> { tokens.map { |token| owner.reveal(token) } }, -> { owner.reveal_many(tokens) }] }.filter_map do |verb, calls|
    name = "ruby: #{verb} #{VALUES} of #{length} bytes in one call against one by one, ns each"
    figure(name, *calls) if name.start_with?(only)
  end
end
puts JSON.generate(figures)
