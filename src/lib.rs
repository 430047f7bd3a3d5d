//! Blindtally.
