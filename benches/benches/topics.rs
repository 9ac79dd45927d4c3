//! Many topics of few subscribers. What it shows stands beside the family.

use hedgehog_benches::fan_out::TOPICS;

hedgehog_benches::families!(TOPICS);
