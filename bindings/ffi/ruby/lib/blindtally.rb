# frozen_string_literal: true

# End-to-end encryption for activity data that a blind service can still count, group and sort: both ends, for Ruby.
#
# {Blindtally::Owner} is the account owner's end, {Blindtally::Agent} that of each computer. Whatever is refused raises a
# {Blindtally::Error} with a stable `code`.
module Blindtally
end

require_relative "blindtally/version"
require_relative "blindtally/library"
require_relative "blindtally/error"
require_relative "blindtally/native"
require_relative "blindtally/border"
require_relative "blindtally/given"
require_relative "blindtally/value"
require_relative "blindtally/held"
require_relative "blindtally/classes"
require_relative "blindtally/batch"
require_relative "blindtally/stream"
require_relative "blindtally/kdf"
require_relative "blindtally/prelogin"
require_relative "blindtally/policy"
require_relative "blindtally/device"
require_relative "blindtally/change"
require_relative "blindtally/identity"
require_relative "blindtally/ticket"
require_relative "blindtally/request"
require_relative "blindtally/blob"
require_relative "blindtally/archive"
require_relative "blindtally/opening"
require_relative "blindtally/owner"
require_relative "blindtally/backup"
require_relative "blindtally/login"
require_relative "blindtally/agent"
require_relative "blindtally/text"
