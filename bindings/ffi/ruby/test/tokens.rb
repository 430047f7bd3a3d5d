# frozen_string_literal: true

# Prints the token of every value of a file of bindings/vectors/tokens.py, or the code of its refusal.

require "json"

require "blindtally"

given = JSON.parse(File.read(ARGV.fetch(0), encoding: "UTF-8"))
token_class, values = given.values_at("class", "values")

lines, many = Blindtally::Agent.from_state([given["state"]].pack("H*")) do |agent|
  lines = values.map do |value|
    agent.tokenize(token_class, value)
  rescue Blindtally::Error => e
    e.code
  end
  many = agent.tokenize_many(token_class, values, errors: :return)
  [lines, many.map { |result| result.is_a?(Blindtally::Error) ? result.code : result }]
end
abort "tokens of many values are others than of each alone" if many != lines
$stdout.write(lines.map { |line| "#{line}\n" }.join)
