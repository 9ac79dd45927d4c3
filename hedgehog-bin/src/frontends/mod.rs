//! How others ask the running program, each in its own folder: the program serves what it is given and knows none of them.

pub mod unix;
