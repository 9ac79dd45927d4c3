//! Benches of hedgehog-core, each a file in `benches/`; the crate itself is empty.
