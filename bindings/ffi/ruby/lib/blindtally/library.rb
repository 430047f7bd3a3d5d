# frozen_string_literal: true

# Where the compiled core lies.
require "rbconfig"

module Blindtally
  # @private
  module Library
    NAME = case RbConfig::CONFIG["host_os"]
           when /mswin|mingw/ then "blindtally_ffi.dll"
           when /darwin/ then "libblindtally_ffi.dylib"
           else "libblindtally_ffi.so"
           end

    def self.find
      named = ENV["BLINDTALLY_LIBRARY"].to_s
      return File.expand_path(named) unless named.empty?

      beside = File.join(__dir__, NAME)
      return beside if File.file?(beside)

      raise LoadError, "#{beside} is not there: this gem is for another platform, or name the library in BLINDTALLY_LIBRARY"
    end
  end
  private_constant :Library

  # The shared library with the core: beside these sources, or what the environment variable `BLINDTALLY_LIBRARY` names.
  LIBRARY = Library.find.freeze
end
