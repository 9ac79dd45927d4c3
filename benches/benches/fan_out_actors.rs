//! One publisher, N actors: what does a delivery cost? What it shows stands beside the family.

use hedgehog_benches::fan_out::FAN_OUT_ACTORS;

hedgehog_benches::families!(FAN_OUT_ACTORS);
