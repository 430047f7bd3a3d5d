"""End-to-end encryption for activity data that a blind service can still count, group and sort."""

from ._blindtally import BlobClass, RecordClass, TokenClass, error_codes
