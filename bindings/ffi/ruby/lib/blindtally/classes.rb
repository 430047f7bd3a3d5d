# frozen_string_literal: true

# Classes of what is sealed: Symbols for those that have names, Integers for those of applications.

module Blindtally
  # Classes of tokens that have names, and their ids on the wire. Applications have 128 to 191 for their own.
  TOKEN_CLASSES = { app: 1, title: 2, host: 3, url: 4, document: 5, person: 6, label: 7 }.freeze
  # Classes of records that have names, and their ids on the wire. Applications have 192 to 223 for their own.
  RECORD_CLASSES = { keystrokes: 16, clipboard: 17, chat: 18 }.freeze
  # Classes of blobs that have names, and their ids on the wire. Applications have 224 to 255 for their own.
  BLOB_CLASSES = { screenshot: 32, camera: 33, voice: 34, archive: 40 }.freeze
  # The forms that values of a class are brought into before they are tokenized: as they are, ASCII letters in lower case, the
  # host of a URL in lower case.
  CANONICAL_FORMS = %i[exact ascii_lowercase host].freeze

  # @private
  module Classes
    # Classes of one kind, as given by people and by the core.
    class Kind
      def initialize(ids, variants, find)
        @find = find
        @named = ids.to_h { |name, _| [name, variants.const_get(name.upcase).new.freeze] }.freeze
        @names = @named.to_h { |name, native| [native.class, name] }.freeze
        @ids = ids.invert.freeze
      end

      # A Symbol, or an Integer: the id.
      def native(given)
        case given
        when Symbol then @named[given] || Given.refuse
        else Border.call { Native.public_send(@find, Given.small(given)) }
        end
      end

      # A Symbol, or an Integer for an application's own.
      def symbol(native)
        @names.fetch(native.class) { native.id }
      end
    end

    TOKEN = Kind.new(TOKEN_CLASSES, Native::TokenClass, :token_class_of)
    RECORD = Kind.new(RECORD_CLASSES, Native::RecordClass, :record_class_of)
    BLOB = Kind.new(BLOB_CLASSES, Native::BlobClass, :blob_class_of)

    module_function

    def form(given)
      Given.refuse unless given.is_a?(Symbol)
      # In the order of the core's.
      CANONICAL_FORMS.index(given) || Given.refuse
    end

    # Of any kind: [:token, :app].
    def sealed(native)
      if native.token? then [:token, TOKEN.symbol(native.token_class)]
      elsif native.record? then [:record, RECORD.symbol(native.record_class)]
      else [:blob, BLOB.symbol(native.blob_class)]
      end
    end

    # The name of a variant of an enum without fields: DELIVERY_NEEDED is :delivery_needed.
    def variant(enum, number)
      enum.constants.find { |name| enum.const_get(name) == number }.downcase
    end
  end
  private_constant :Classes
end
