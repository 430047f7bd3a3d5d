# frozen_string_literal: true

module Blindtally
  # A token in a text, and where it lies. It is ASCII.
  class FoundToken < Value
    # @return [String] the token
    attr_reader :token
    # @return [Integer] characters before it: `text[found.begin...found.end]` is the token
    attr_reader :begin
    # @return [Integer] characters up to its end
    attr_reader :end
    # @return [Integer] bytes of UTF-8 before it
    attr_reader :byte_begin
  end

  # The tokens in a text, in order.
  #
  # @param text [String]
  # @return [Array<FoundToken>]
  # @raise [MisuseError] `binding.value`, `binding.utf8`
  def self.find_tokens(text)
    text = Given.text(text)
    Border.call { Native.find_tokens(text) }.map do |found|
      FoundToken.new(token: found.token, begin: found.character_offset, end: found.character_offset + found.token.size,
                     byte_begin: found.byte_offset)
    end
  end

  # A short name for a token that anyone computes without a key, such as fits a UUID column.
  #
  # @param token [String]
  # @return [String] 32 hexadecimal digits
  # @raise [MalformedError] `malformed.` if it is no token
  def self.token_index(token)
    token = Given.text(token)
    Border.call { Native.token_index(token) }
  end

  # The login name as the service is told it: normalised (NFKC, lower case).
  #
  # @param login [String] however it was typed
  # @return [String]
  # @raise [CredentialError] `login.invalid`
  def self.normal_login_name(login)
    login = Given.text(login)
    Border.call { Native.normal_login_name(login) }
  end

  # @return [Hash{String => String}] every code that an error can have, in order, with its sentence
  def self.error_codes
    Border.call { Native.error_codes }.to_h { |known| [known.code, known.detail] }
  end
end
