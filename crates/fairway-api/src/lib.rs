//! The kinds of fairway.dev/v1alpha1.
