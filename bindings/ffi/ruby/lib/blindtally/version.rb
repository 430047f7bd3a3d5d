# frozen_string_literal: true

module Blindtally
  # The version of this package, which is that of the core in it.
  VERSION = "0.1.0"
end
