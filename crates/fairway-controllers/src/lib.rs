//! One module per kind of fairway.dev.
