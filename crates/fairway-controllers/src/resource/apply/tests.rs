use fairway_clock::SeededEntropy;

use super::*;

#[test]
fn a_secret_is_as_long_as_asked_for_of_letters_and_digits_and_never_the_same() {
    let entropy = SeededEntropy::new(7);
    let made: Vec<String> = (0..200).map(|_| secret(&entropy, 40)).collect();
    assert!(made.iter().all(|it| it.len() == 40 && it.bytes().all(|it| it.is_ascii_alphanumeric())));
    let different: std::collections::BTreeSet<&String> = made.iter().collect();
    assert_eq!(different.len(), made.len());
    let letters: std::collections::BTreeSet<char> = made.iter().flat_map(|it| it.chars()).collect();
    assert_eq!(letters.len(), ALPHABET.len(), "every letter comes");
}
