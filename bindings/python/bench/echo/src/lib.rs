//! A list of str into Rust and back, written as everybody writes it: what any function of Rust's costs that takes and gives
//! one, whatever it computes.

use pyo3::prelude::*;

#[pyfunction]
fn echo(list: Vec<String>) -> Vec<String> {
    list
}

#[pymodule]
mod blindtally_echo {
    #[pymodule_export]
    use super::echo;
}
