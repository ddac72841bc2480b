//! Exponential backoff with jitter, per object, forgotten at the first success.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use fairway_clock::Entropy;

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(300);

/// How often each object has failed in a row. The rate of retries is bounded, their number never.
#[derive(Default)]
pub struct Backoffs {
    failures: Mutex<HashMap<String, u32>>,
}

impl Backoffs {
    /// Counts a failure and says how long to wait: between half and all of `100 ms · 2ⁿ`, at most five minutes.
    pub fn failed(&self, object: &str, entropy: &dyn Entropy) -> Duration {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let count = failures.entry(object.to_owned()).or_default();
        let full = FIRST.saturating_mul(1 << (*count).min(20)).min(LONGEST);
        *count = count.saturating_add(1);
        let mut byte = [0u8; 1];
        entropy.fill(&mut byte);
        full / 2 + (full / 2).mul_f64(f64::from(byte[0]) / 255.0)
    }

    /// Forgets the failures of an object that succeeded or is gone.
    pub fn succeeded(&self, object: &str) {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).remove(object);
    }
}

#[cfg(test)]
mod tests;
