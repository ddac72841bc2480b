//! Time and randomness, given to whoever needs them instead of taken from the machine.
//!
//! Every part holds an `Arc<dyn Clock>` and an `Arc<dyn Entropy>`; the binary hands out the system's,
//! a test hands out [`ManualClock`] and [`SeededEntropy`], so that whatever a test does can be done again.

mod clock;
mod entropy;

pub use clock::{Clock, ManualClock, SystemClock};
pub use entropy::{Entropy, SeededEntropy, SystemEntropy};

/// Clock and randomness together, as most parts want them.
#[derive(Clone)]
pub struct World {
    /// Where time comes from.
    pub clock: std::sync::Arc<dyn Clock>,
    /// Where randomness comes from.
    pub entropy: std::sync::Arc<dyn Entropy>,
}

impl World {
    /// The machine's own clock and randomness.
    pub fn system() -> Self {
        Self { clock: std::sync::Arc::new(SystemClock::new()), entropy: std::sync::Arc::new(SystemEntropy) }
    }
}
