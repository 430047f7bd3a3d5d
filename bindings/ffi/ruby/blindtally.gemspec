# frozen_string_literal: true

require_relative "lib/blindtally/version"

Gem::Specification.new do |spec|
  spec.name = "blindtally"
  spec.version = Blindtally::VERSION
  # The library in it is for one kind of machine.
  spec.platform = Gem::Platform::CURRENT
  spec.summary = "End-to-end encryption for activity data that a blind service can still count, group and sort"
  spec.description = "An agent on each computer turns values into opaque tokens; a service adds up time per token without a key; " \
                     "the account owner turns tokens back into words. Both ends, by the project's Rust core."
  spec.authors = ["The Blindtally authors"]
  spec.licenses = %w[MIT Apache-2.0]
  spec.required_ruby_version = ">= 3.0"

  spec.files = Dir.chdir(__dir__) { Dir["lib/**/*.{rb,so,dylib,dll}", "README.md", "LICENSE-*", ".yardopts"] }
  spec.extra_rdoc_files = ["README.md"]

  # Calls into the shared library.
  spec.add_dependency "ffi", "~> 1.15"
end
