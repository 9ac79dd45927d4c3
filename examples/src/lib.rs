//! Examples of hedgehog-core, each a file in `examples/`; the crate itself is empty.
