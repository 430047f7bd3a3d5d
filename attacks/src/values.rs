//! .
use crate::attack::attacks;
attacks! {}
