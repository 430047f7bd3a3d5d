# frozen_string_literal: true

require "open3"
require "rbconfig"

require_relative "helper"

# The gem itself: its version, its codes, its README, its warnings.
class TestPackage < BlindtallyTest
  ROOT = File.expand_path("../../../..", __dir__)
  SOURCES = File.expand_path("..", __dir__)

  def test_its_version_is_that_of_the_core
    assert_equal File.read("#{ROOT}/Cargo.toml")[/^version = "(.*)"$/, 1], VERSION
  end

  def test_its_codes_are_those_of_the_specification_and_of_the_bindings
    specified = File.read("#{ROOT}/SPEC.md").scan(/^\| `([a-z-]+\.[a-z-]+)` \| (.*) \|$/).to_h
    # Of a feature of the Rust library that no binding has.
    specified.delete("legacy.wrong")
    own = %w[binding.value binding.utf8 binding.closed binding.busy binding.stream]
    assert_equal (specified.keys + own).sort, Blindtally.error_codes.keys
    specified.each { |code, detail| assert_equal detail, Blindtally.error_codes[code] }
  end

  def test_every_error_carries_a_code_and_is_told_apart
    kinds = ObjectSpace.each_object(Class).select { |kind| kind < Error }
    assert_equal 17, kinds.size
    kinds.each do |kind|
      error = kind.new("some.code", "A sentence", 3)
      assert_equal ["some.code", "A sentence", 3, "A sentence [some.code] (item 3)"],
                   [error.code, error.detail, error.index, error.message]
      assert((error in { code: "some.code", index: 3 }))
      assert_kind_of StandardError, error
    end
    # Each variant of the core's has a class here.
    variants = Blindtally::Native::BlindtallyError.constants.map { |name| :"#{name}Error" }
    assert_empty variants - Blindtally.constants
  end

  def test_what_the_readme_shows_runs
    readme = "#{SOURCES}/README.md"
    examples = File.read(readme).gsub(/^```ruby\n(.*?)^```$/m).map { [Regexp.last_match(1), Regexp.last_match.pre_match.count("\n") + 2] }
    assert_operator examples.size, :>=, 6
    example = binding
    examples.each { |code, line| example.eval(code, readme, line) }
    assert_operator examples.first.first.lines.reject { |line| line.strip.empty? }.size, :<=, 12
  end

  def test_the_sources_give_no_warnings
    files = Dir["#{SOURCES}/lib/**/*.rb", "#{SOURCES}/test/*.rb", "#{SOURCES}/bench/*.rb"].reject { |file| file.end_with?("native.rb") }
    assert_operator files.size, :>, 20
    files.each do |file|
      output, status = Open3.capture2e(RbConfig.ruby, "-wc", file)
      assert_equal ["Syntax OK\n", true], [output, status.success?], file
    end
    folder = File.dirname($LOADED_FEATURES.grep(%r{/blindtally\.rb\z}).first)
    _, warnings, = Open3.capture3(RbConfig.ruby, "-w", "-I#{folder}", "-e", "require 'blindtally'")
    assert_empty(warnings.lines.grep_v(/native\.rb/).grep(/blindtally/))
  end

  def test_a_library_that_is_not_there_is_a_load_error
    folder = File.dirname($LOADED_FEATURES.grep(%r{/blindtally\.rb\z}).first)
    output, status = Open3.capture2e({ "BLINDTALLY_LIBRARY" => "/none" }, RbConfig.ruby, "-I#{folder}", "-e", "require 'blindtally'")
    refute_predicate status, :success?
    assert_match(/LoadError/, output)
  end
end
