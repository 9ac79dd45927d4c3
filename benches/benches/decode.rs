//! From an exchange's frame to a trade event. What it shows stands beside the family.

use hedgehog_benches::trading::DECODE;

hedgehog_benches::families!(DECODE);
