//! Random bytes, and the two shapes in which Kubernetes wants them: UUIDs and name suffixes.

use std::sync::Mutex;

/// The alphabet of generated names: no vowels, so no words; nothing that looks like something else.
const NAME_ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// Gives random bytes.
pub trait Entropy: Send + Sync + 'static {
    /// Fills the buffer.
    fn fill(&self, bytes: &mut [u8]);

    /// A random (version 4) UUID in its usual spelling.
    fn uuid(&self) -> String {
        let mut b = [0u8; 16];
        self.fill(&mut b);
        b[6] = (b[6] & 0x0f) | 0x40;
        b[8] = (b[8] & 0x3f) | 0x80;
        let hex = |range: std::ops::Range<usize>| b[range].iter().map(|it| format!("{it:02x}")).collect::<String>();
        format!("{}-{}-{}-{}-{}", hex(0..4), hex(4..6), hex(6..8), hex(8..10), hex(10..16))
    }

    /// A suffix for a generated name.
    fn suffix(&self, length: usize) -> String {
        let mut bytes = vec![0u8; length];
        self.fill(&mut bytes);
        bytes.iter().map(|it| char::from(NAME_ALPHABET[usize::from(*it) % NAME_ALPHABET.len()])).collect()
    }

    /// `length` random bytes in hexadecimal: tokens and passwords.
    fn hex(&self, length: usize) -> String {
        let mut bytes = vec![0u8; length];
        self.fill(&mut bytes);
        bytes.iter().map(|it| format!("{it:02x}")).collect()
    }
}

/// The machine's randomness.
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        aws_lc_rs::rand::fill(bytes).expect("the operating system gives random bytes");
    }
}

/// Bytes that follow from a seed: for tests that must be repeatable, never for secrets.
pub struct SeededEntropy {
    state: Mutex<u64>,
}

impl SeededEntropy {
    /// The sequence that belongs to `seed`.
    pub fn new(seed: u64) -> Self {
        Self { state: Mutex::new(seed) }
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for chunk in bytes.chunks_mut(8) {
            // splitmix64: small, well known, good enough to tell names apart.
            *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = *state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^= z >> 31;
            let word = z.to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
    }
}
