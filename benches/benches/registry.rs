//! Names, among few and among many. What it shows stands beside the family.

use hedgehog_benches::registry::REGISTRY;

hedgehog_benches::families!(REGISTRY);
