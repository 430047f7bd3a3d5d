//! Rate limits, kept in memory only as long as they matter.

use std::hash::Hash;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use sha2::{Digest, Sha256};

use crate::config::{Limits, Rate};
use crate::id::Id;
use crate::peer::Peer;

/// Every rate limit of the service.
pub(crate) struct Limiters {
    login: Keyed<[u8; 16]>,
    login_peer: Keyed<Peer>,
    pub(crate) enrollment_peer: Keyed<Peer>,
    pub(crate) account_peer: Keyed<Peer>,
}

/// One rate limit for each key.
pub(crate) struct Keyed<K: Hash + Eq + Clone> {
    limiter: DefaultKeyedRateLimiter<K>,
    checks: AtomicU32,
}

impl Limiters {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            login: Keyed::new(limits.login),
            login_peer: Keyed::new(limits.login_peer),
            enrollment_peer: Keyed::new(limits.enrollment_peer),
            account_peer: Keyed::new(limits.account_peer),
        }
    }

    /// Counts one attempt to prove `login` from `peer` (SPEC.md#login-rate); the error is how long to wait.
    pub(crate) fn check_login(&self, login: &str, peer: Peer) -> Result<(), Duration> {
        self.check_proof(login.as_bytes(), peer)
    }

    /// Counts one attempt to restore `account` from `peer`; the error is how long to wait.
    pub(crate) fn check_restore(&self, account: &Id, peer: Peer) -> Result<(), Duration> {
        // No login name has a NUL in it: these keys are apart from those of logins.
        let key = [b"\0restore", account.as_bytes()].concat();
        self.check_proof(&key, peer)
    }

    fn check_proof(&self, name: &[u8], peer: Peer) -> Result<(), Duration> {
        self.login_peer.check(peer)?;
        // A digest, so that a key of 320 bytes and one of 3 take the same room.
        let mut key = [0; 16];
        key.copy_from_slice(&Sha256::digest(name)[..16]);
        self.login.check(key)
    }

    /// Forgets the keys whose limits have filled up again, which bounds the memory.
    pub(crate) fn forget_idle(&self) {
        self.login.forget_idle();
        self.login_peer.forget_idle();
        self.enrollment_peer.forget_idle();
        self.account_peer.forget_idle();
    }
}

impl<K: Hash + Eq + Clone> Keyed<K> {
    /// How often, in checks, idle keys are forgotten: often enough to bound the memory of a flood,
    /// seldom enough to cost nothing.
    const SWEEP: u32 = 16_384;

    fn new(rate: Rate) -> Self {
        let quota = Quota::with_period(rate.period).unwrap_or(Quota::per_second(rate.burst)).allow_burst(rate.burst);
        Self { limiter: RateLimiter::keyed(quota), checks: AtomicU32::new(0) }
    }

    /// Counts one; the error is how long to wait.
    pub(crate) fn check(&self, key: K) -> Result<(), Duration> {
        if self.checks.fetch_add(1, Ordering::Relaxed) % Self::SWEEP == Self::SWEEP - 1 {
            self.forget_idle();
        }
        self.limiter.check_key(&key).map_err(|denied| denied.wait_time_from(DefaultClock::default().now()))
    }

    fn forget_idle(&self) {
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
    }
}
