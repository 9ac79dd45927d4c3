//! One publisher, N subscribers: what does a delivery cost? What it shows stands beside the families.

use hedgehog_benches::fan_out::{FAN_OUT, FAN_OUT_OUTSIDE};

hedgehog_benches::families!(FAN_OUT, FAN_OUT_OUTSIDE);
