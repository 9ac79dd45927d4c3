//! Several publishers of one topic at once. What it shows stands beside the family.

use hedgehog_benches::publishers::PUBLISHERS;

hedgehog_benches::families!(PUBLISHERS);
