//! Events through the pure strategy. What it shows stands beside the family.

use hedgehog_benches::trading::STRATEGY;

hedgehog_benches::families!(STRATEGY);
