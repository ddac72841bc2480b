//! Applies bundles with an inventory.
