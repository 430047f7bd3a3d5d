# frozen_string_literal: true

require "open3"
require "rbconfig"
require "timeout"

require_relative "helper"

# Threads, Ractors and processes: the right result or an error, and the process lives.
class TestThreads < BlindtallyTest
  def test_threads_tokenize_while_another_changes_the_policy_and_closes_the_agent
    owner, = new_owner
    agent = enrolled(owner)
    form = %i[exact ascii_lowercase].cycle
    policies = Array.new(6) { owner.set_canonical_form(:app, form.next).committed.policy }
    expected = agent.tokenize_many(:app, %w[MiXeD mixed])
    started = Queue.new
    threads = Array.new(8) do |number|
      Thread.new do
        tokens = []
        loop do
          tokens.concat(number.even? ? [agent.tokenize(:app, "MiXeD")] : agent.tokenize_many(:app, ["MiXeD"] * 50))
          started << true
        rescue ClosedError
          break
        end
        tokens.uniq
      end
    end
    8.times { started.pop }
    policies.each { |policy| assert_equal :updated, agent.apply_policy(policy) }
    agent.close
    threads.each { |thread| assert_empty thread.value - expected }
    refused("binding.closed", ClosedError) { agent.tokenize(:app, "x") }
  end

  def test_other_threads_run_while_a_password_is_stretched
    turns = 0
    stop = false
    other = Thread.new { turns += 1 and Thread.pass until stop }
    Thread.pass while turns.zero?
    before = turns
    # With the lock of Ruby held, not one would be taken: nothing in this call gives it up but the core.
    owner, = new_owner
    stop = true
    other.join
    assert_operator turns, :>, before + 10
    assert owner.account
  end

  def test_an_agent_lives_on_after_a_timeout_between_its_calls
    owner, = shared
    assert_raises(Timeout::Error) do
      Timeout.timeout(0.05) { loop { owner.tokenize_typed(:app, "x") } }
    end
    assert_equal owner.tokenize_typed(:app, "x"), owner.tokenize_typed(:app, "x")
  end

  def test_one_login_is_used_up_once_by_however_many_threads
    owner, change = new_owner
    Login.start(LOGIN, PASSWORD, owner.prelogin) do |login|
      results = Array.new(6) { Thread.new { login.unlock(change.vault) rescue $! } }.map(&:value) # rubocop:disable Style
      assert_equal 1, results.grep(Owner).size
      assert_equal ["binding.closed"], results.grep(Error).map(&:code).uniq
    end
  end

  def test_collected_objects_leave_the_others_alone
    owner, agent = shared
    token = agent.tokenize(:app, "x")
    state = agent.export_state(key: nil)
    200.times { Agent.load(state).tokenize(:app, "x") }
    GC.start
    assert_equal "x", owner.reveal(token)
    keys = new_owner.first.then { |gone| gone.blob_reader(StringIO.new(enrolled(gone).seal_blob(:voice, "kept"))) }
    GC.start
    assert_equal "kept", keys.read
  end

  def test_garbage_is_collected_at_every_step_without_harm
    owner, agent = shared
    GC.stress = true
    token = agent.tokenize(:app, "x")
    values = owner.reveal_many([token, token])
    GC.stress = false
    assert_equal %w[x x], values
  ensure
    GC.stress = false
  end

  # In a process of its own: Ruby 3.1 is not quite itself after the first Ractor.
  def test_ractors_get_no_keys
    program = <<~'RUBY'
      Warning[:experimental] = false
      secret = Blindtally::AccountSecret.generate
      outcomes = [-> { Ractor.new(secret) { |given| given } },
                  -> { Ractor.new { Ractor.receive }.send(secret, move: true) },
                  -> { Ractor.new { Blindtally.token_index("x") }.take }]
      outcomes.each do |call|
        call.call
        puts "nothing raised"
      rescue StandardError => e
        puts e.class
      end
      puts secret.to_text.size
    RUBY
    folder = File.dirname($LOADED_FEATURES.grep(%r{/blindtally\.rb\z}).first)
    output, = Open3.capture2(RbConfig.ruby, "-I#{folder}", "-rblindtally", "-e", program, err: File::NULL)
    copied, moved, inside, size = output.lines.map(&:chomp)
    assert_equal %w[TypeError Ractor::Error 34], [copied, moved, size]
    assert_match(/Ractor/, inside)
  end

  def test_after_a_fork_each_process_has_keys_of_its_own
    owner, agent = shared
    reader, writer = IO.pipe
    child = fork do
      token = agent.tokenize(:app, "x")
      agent.close
      writer.write(token)
      writer.close
      exit!(0)
    end
    writer.close
    token = reader.read
    assert_predicate Process.wait2(child).last, :success?
    assert_equal agent.tokenize(:app, "x"), token
    assert_equal "x", owner.reveal(token)
  end
end
