# frozen_string_literal: true

# Fails if anything public that is written by hand has no documentation, or YARD has something to say about it.

require "open3"
require "tmpdir"

Dir.mktmpdir do |database|
  command = ["yard", "stats", "--list-undoc", "--no-progress", "--no-cache", "--db", database]
  output, status = Open3.capture2e(*command, chdir: File.dirname(__dir__))
  is_whole = status.success? && output.include?("100.00% documented") && !output.include?("[warn]")
  abort output unless is_whole
  puts output.lines.last
end
