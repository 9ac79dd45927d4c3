//! What subscribers that are stuck do to the others. What it shows stands beside the family.

use hedgehog_benches::slow_subscriber::SLOW_SUBSCRIBER;

hedgehog_benches::families!(SLOW_SUBSCRIBER);
