//! Pure rendering and planning.
