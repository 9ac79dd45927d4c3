//! Children: started, stopped, killed and back again. What it shows stands beside the family.

use hedgehog_benches::supervision::SUPERVISION;

hedgehog_benches::families!(SUPERVISION);
