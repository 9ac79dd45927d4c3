//! a
fn main(){}
