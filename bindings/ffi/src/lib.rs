//! The core for Kotlin, Java, Swift and Ruby.
uniffi::setup_scaffolding!();
