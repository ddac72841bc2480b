//! A whole plane in a test.
