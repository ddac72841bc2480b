//! The kit every controller is made of.
